/* codec/encoder.h - what stream encoders have in common. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_CODEC_ENCODER_H
#define FIRN_CODEC_ENCODER_H
#include <firn/codec.h>

struct fn_encoder {
    fn_sink sink; /* first */
    fn_sink *out;
    fn_status (*finish)(fn_encoder *e, fn_ctx *ctx);
    void (*free)(fn_encoder *e);
    bool finished;
};
#endif
