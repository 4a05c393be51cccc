/* SPDX-License-Identifier: Apache-2.0 */
/* engine/tables.c -- num.h's tables as the vector kernels gather them. */
#include "engine/kernel.h"
#include <pthread.h>

struct eng_tables eng_tables;

static void make(void)
{
    for (int i = 0; i < 64; i++)
        eng_tables.exp2[i] =
            num_exp2_tab[i] | (num_exp2_tab[i] - num_exp2_tab[i + 1]) << 17;
    for (int i = 0; i < 512; i++)
        eng_tables.sigmoid[i] =
            num_sigmoid_tab[i] | (num_sigmoid_tab[i + 1] - num_sigmoid_tab[i])
                                     << 17;
}

void eng_tables_make(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make);
}
