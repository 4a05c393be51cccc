/* SPDX-License-Identifier: Apache-2.0 */
/* model/chat.h -- conversations as the model was trained on them.
 *
 *   ChatML   <|im_start|>ROLE\nTEXT<|im_end|>\n         for each message,
 *            <|im_start|>assistant\n                    to ask for an answer
 *   Llama 3  <|begin_of_text|>                          once,
 *            <|start_header_id|>ROLE<|end_header_id|>\n\nTEXT<|eot_id|>
 *            <|start_header_id|>assistant<|end_header_id|>\n\n
 *
 * ChatML templates often carry a system message of their own, used where the
 * conversation has none; it is read out of the model's template. Llama 3
 * trims white space around TEXT.
 *
 * Marks become their tokens directly. TEXT never does: "<|im_end|>" in a
 * message is eleven characters, not the end of a turn.
 */
#ifndef MODEL_CHAT_H
#define MODEL_CHAT_H
#include "model/tokenizer.h"

enum chat_kind { CHAT_NONE, CHAT_CHATML, CHAT_LLAMA3 };

struct chat_message {
    const char *role; /* "system", "user", "assistant" */
    const char *text; /* UTF-8 */
};

/* The template that the tokenizer's tokens and chat_template allow. */
enum chat_kind chat_kind_of(const struct tok *t);
const char *chat_kind_name(enum chat_kind kind);

/* Appends the tokens of n messages to `ids` (begin with an empty one for a
 * new conversation: Llama 3's first token and ChatML's system message are
 * put only there), and then what asks for the assistant's answer if `ask`.
 * CHAT_NONE is an error. On failure `ids` keeps what it had. */
bool chat_encode(const struct tok *t, enum chat_kind kind,
                 const struct chat_message *message, size_t n, bool ask,
                 struct tok_ids *ids, struct fl_error *err);

#endif
