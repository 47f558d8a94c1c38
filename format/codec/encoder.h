/* codec/encoder.h - shared inside format/codec: what an fn_encoder is.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_CODEC_ENCODER_H
#define FIRN_CODEC_ENCODER_H
#include <firn/codec.h>

typedef enum encoder_op { ENCODER_WRITE, ENCODER_FLUSH, ENCODER_FINISH } encoder_op;

/* Head of every encoder. `run` takes all bytes given; FLUSH and FINISH come with none. */
struct fn_encoder {
    fn_sink sink; /* first: the sink is the encoder */
    fn_sink *out; /* borrowed */
    fn_status (*run)(fn_encoder *e, fn_ctx *ctx, encoder_op op, const void *bytes, size_t size);
    void (*free)(fn_encoder *e);
};
void encoder_head(fn_encoder *e, fn_sink *out);
#endif
