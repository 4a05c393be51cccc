// SPDX-License-Identifier: Apache-2.0
// tests/emit/vitis/card_vitis.cpp -- a card (emit/host/card.h) whose kernels
// are the C++ for Vitis HLS, called as functions. A buffer's bytes become
// ap_uint words for a run and go back after it.
#include "emit/host/card.h"
#include "emit/vitis/card.h"
#include "flexllm_decode.h"
#include "flexllm_prefill.h"
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

struct card_buffer {
    std::vector<uint8_t> bytes;
    std::shared_ptr<void> words; // of this run
    std::function<void()> flush;
};

struct card {
    std::vector<std::unique_ptr<card_buffer>> buffers;
};

template <int BITS> static ap_uint<BITS> *words(const card_arg &a)
{
    typedef std::vector<ap_uint<BITS>> list;
    card_buffer *b = const_cast<card_buffer *>(a.buffer);
    if (!b->words) {
        auto w = std::make_shared<list>(b->bytes.size() / (BITS / 8));
        for (size_t i = 0; i < b->bytes.size() / (BITS / 8) * (BITS / 8); i++)
            (*w)[i / (BITS / 8)].range(8 * (i % (BITS / 8)) + 7,
                                       8 * (i % (BITS / 8))) = b->bytes[i];
        b->words = w;
        b->flush = [b, w] {
            for (size_t i = 0; i < w->size() * (BITS / 8); i++)
                b->bytes[i] = (uint8_t)(unsigned)(*w)[i / (BITS / 8)].range(
                    8 * (i % (BITS / 8)) + 7, 8 * (i % (BITS / 8)));
        };
    }
    return static_cast<list *>(b->words.get())->data();
}

#define POINTER(i, name, bits) words<bits>(arg[i])
#define SCALAR(i, name, bits)  (uint##bits##_t) arg[i].value

extern "C" {

card *card_open(const char *, int, fl_error *)
{
    return new card;
}

void card_close(card *c)
{
    delete c;
}

card_buffer *card_alloc(card *c, int, int, size_t bytes, fl_error *)
{
    c->buffers.emplace_back(new card_buffer);
    c->buffers.back()->bytes.assign(bytes, 0xA5);
    return c->buffers.back().get();
}

bool card_write(card *, card_buffer *b, const void *data, size_t bytes,
                fl_error *)
{
    memcpy(b->bytes.data(), data, bytes);
    return true;
}

bool card_read(card *, card_buffer *b, void *data, size_t bytes, fl_error *)
{
    memcpy(data, b->bytes.data(), bytes);
    return true;
}

bool card_run(card *c, int stage, const card_arg *arg, int, fl_error *)
{
    if (stage == 0)
        flexllm_prefill(FLEXLLM_PREFILL_ARGS(POINTER, POINTER, SCALAR));
    else
        flexllm_decode(FLEXLLM_DECODE_ARGS(POINTER, POINTER, SCALAR));
    for (auto &b : c->buffers) {
        if (b->flush)
            b->flush();
        b->flush = nullptr;
        b->words.reset();
    }
    return true;
}

uint64_t card_cycles(const card *)
{
    return 0;
}

} // extern "C"
