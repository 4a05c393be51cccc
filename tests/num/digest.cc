/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/num/digest.h"
#include "num/qmodel.h"
#include "num/fmodel.h"

extern "C" uint64_t digest_cpp(void);
extern "C" uint64_t digest_cpp(void)
{
    return digest();
}
