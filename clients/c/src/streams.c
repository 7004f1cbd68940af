/* Streams: many messages one way or both, beside other calls on the same connection. */
#include <stdlib.h>

#include "internal.h"

static cowbird_stream *stream_take(cowbird_client *client) {
  cowbird_stream *stream = client->spare_streams;
  if (stream)
    client->spare_streams = stream->next;
  else
    stream = malloc(sizeof *stream);
  if (!stream) {
    client_no_memory(client);
    return NULL;
  }
  *stream = (cowbird_stream){.client = client, .next = client->open_streams};
  client->open_streams = stream;
  return stream;
}

static void stream_spare(cowbird_stream *stream) {
  cowbird_client *client = stream->client;
  cowbird_stream **at = &client->open_streams;
  while (*at != stream) at = &(*at)->next;
  *at = stream->next;
  stream->next = client->spare_streams;
  client->spare_streams = stream;
}

static cowbird_code stream_open(cowbird_client *client, struct request *request, cowbird_stream_kind kind,
                                const cowbird_call_options *options, cowbird_stream **opened) {
  client_begin(client);
  *opened = NULL;
  bool sends_many = kind != COWBIRD_SERVER_STREAM;
  if (sends_many && request->payload.size)
    return client_fail(client, COWBIRD_INVALID_ARGUMENT,
                       "request: a stream that sends many messages opens without one");
  cowbird_stream *stream = stream_take(client);
  if (!stream) return client->code;
  stream->sends_many = sends_many;
  stream->receives_many = kind != COWBIRD_CLIENT_STREAM;
  stream->send_closed = !sends_many;
  deadline until = client_deadline(client, options ? options->timeout_nanos : 0);
  uint8_t flags = sends_many ? FLAG_REMOTE_OPEN : FLAG_REMOTE_CLOSED;
  cowbird_code code = call_queue(client, request, flags, until, true, &stream->id);
  if (code != COWBIRD_OK) {
    stream_spare(stream);
    return code;
  }
  *opened = stream;
  return COWBIRD_OK;
}

cowbird_code cowbird_stream_open(cowbird_client *client, const char *service, const char *method,
                                 cowbird_stream_kind kind, const void *request, size_t size,
                                 const cowbird_call_options *options, cowbird_stream **stream) {
  struct request envelope = call_request(service, method, NULL, request, size, options);
  return stream_open(client, &envelope, kind, options, stream);
}

cowbird_code cowbird_stream_open_message(cowbird_client *client, const char *service, const char *method,
                                         cowbird_stream_kind kind, const ProtobufCMessage *request,
                                         const cowbird_call_options *options, cowbird_stream **stream) {
  struct request envelope = call_request(service, method, request, NULL, 0, options);
  return stream_open(client, &envelope, kind, options, stream);
}

static cowbird_code stream_lost(cowbird_client *client) {
  return client_fail(client, COWBIRD_UNAVAILABLE, "the connection was lost (%s) while the stream was open",
                     client->lost);
}

cowbird_code stream_queue(cowbird_stream *stream, const ProtobufCMessage *message, const void *bytes, size_t size,
                          uint8_t flags) {
  cowbird_client *client = stream->client;
  if (stream->send_closed)
    return client_fail(client, COWBIRD_FAILED_PRECONDITION, "this side of the stream is closed");
  struct slot *slot = slot_find(client, stream->id);
  if (!slot)
    return client_fail(client, COWBIRD_FAILED_PRECONDITION, "the server has ended the stream");
  if (slot->state == SLOT_LOST) return stream_lost(client);
  if (message) size = protobuf_c_message_get_packed_size(message);
  if (size > COWBIRD_FRAME_BYTES_MAX)
    return client_fail(client, COWBIRD_RESOURCE_EXHAUSTED, "a message of %zu bytes is above the bound of %u bytes",
                       size, COWBIRD_FRAME_BYTES_MAX);
  if (!buffer_reserve(&client->out, FRAME_HEADER_BYTES + size)) return client_no_memory(client);
  struct request payload = {.message = message, .payload = {bytes, size}};
  uint8_t *at = client->out.bytes + client->out.end;
  frame_write_header(at, (uint32_t)size, stream->id, FRAME_DATA, flags);
  payload_write(&payload, at + FRAME_HEADER_BYTES);
  client->out.end += FRAME_HEADER_BYTES + size;
  client->queued += FRAME_HEADER_BYTES + size;
  if (flags & FLAG_REMOTE_CLOSED) stream->send_closed = true;
  return COWBIRD_OK;
}

static cowbird_code stream_send(cowbird_stream *stream, const ProtobufCMessage *message, const void *bytes,
                                size_t size, uint8_t flags) {
  cowbird_client *client = stream->client;
  cowbird_code code = stream_queue(stream, message, bytes, size, flags);
  if (code != COWBIRD_OK) return code;
  if (buffer_size(&client->out) < QUEUE_BYTES_MAX && !stream->send_closed) return COWBIRD_OK;
  return connection_transmit(client, slot_find(client, stream->id)->deadline);
}

cowbird_code cowbird_stream_send(cowbird_stream *stream, const void *message, size_t size) {
  client_begin(stream->client);
  return stream_send(stream, NULL, message, size, 0);
}

cowbird_code cowbird_stream_send_message(cowbird_stream *stream, const ProtobufCMessage *message) {
  client_begin(stream->client);
  return stream_send(stream, message, NULL, 0, 0);
}

cowbird_code cowbird_stream_close_send(cowbird_stream *stream) {
  client_begin(stream->client);
  if (stream->send_closed) return COWBIRD_OK;
  return stream_send(stream, NULL, NULL, 0, FLAG_REMOTE_CLOSED | FLAG_NO_DATA);
}

/* The call is over: later receives say so again, without a message of their own. */
static cowbird_code stream_end(cowbird_stream *stream, cowbird_code status) {
  struct slot *slot = slot_find(stream->client, stream->id);
  if (slot) slot_release(stream->client, slot);
  stream->ended = true;
  stream->status = status;
  return status;
}

/* What a frame of this stream means. `*message` is set when OK is returned. */
static cowbird_code stream_frame(cowbird_stream *stream, const struct frame *frame, cowbird_bytes *message) {
  cowbird_client *client = stream->client;
  cowbird_bytes data = {frame->data, frame->size};
  if (frame->type == FRAME_DATA) {
    bool last = frame->flags & FLAG_REMOTE_CLOSED;
    if (frame->flags & FLAG_NO_DATA) return last ? stream_end(stream, COWBIRD_END) : COWBIRD_NOT_YET;
    if (message) *message = data;
    if (last || !stream->receives_many) stream_end(stream, COWBIRD_END);
    return COWBIRD_OK;
  }
  struct response answer;
  if (frame->type != FRAME_RESPONSE || !envelope_read(data, &answer)) {
    client_fail(client, COWBIRD_INTERNAL, "a frame of type %d and %u bytes is no message of a stream",
                frame->type, frame->size);
    return stream_end(stream, COWBIRD_INTERNAL);
  }
  if (answer.code) return stream_end(stream, client_fail_bytes(client, answer.code, answer.message));
  stream_end(stream, COWBIRD_END);
  if (stream->receives_many && !answer.payload.size) return COWBIRD_END;
  if (message) *message = answer.payload;
  return COWBIRD_OK;
}

/* Takes the next frame that was stashed for this stream. */
static bool unstash(struct slot *slot, struct frame *frame) {
  if (buffer_size(&slot->stash) == 0) return false;
  frame_read_header(slot->stash.bytes + slot->stash.start, frame);
  slot->stash.start += FRAME_HEADER_BYTES + (size_t)frame->size;
  return true;
}

static bool next_of_stream(cowbird_stream *stream, struct slot *slot, struct frame *frame) {
  cowbird_client *client = stream->client;
  if (unstash(slot, frame)) return true;
  buffer_clear(&slot->stash);
  while (slot->state == SLOT_WAITING && connection_next(client, frame)) {
    if (frame->stream == stream->id) return true;
    slot_deliver(client, frame);
  }
  return false;
}

static cowbird_code stream_wait(cowbird_stream *stream, deadline wait, cowbird_bytes *message) {
  cowbird_client *client = stream->client;
  client_begin(client);
  if (stream->ended) {
    if (stream->status > 0) client_fail(client, stream->status, "the stream has ended with this status before");
    return stream->status;
  }
  struct slot *slot = slot_find(client, stream->id);
  deadline until = slot->deadline < wait ? slot->deadline : wait;
  for (;;) {
    struct frame frame;
    if (next_of_stream(stream, slot, &frame)) {
      cowbird_code code = stream_frame(stream, &frame, message);
      if (code == COWBIRD_NOT_YET) continue;
      return code;
    }
    if (slot->overflowed) {
      client_fail(client, COWBIRD_RESOURCE_EXHAUSTED,
                  "more than %zu bytes came for a stream that was not received from",
                  client->options.stream_buffer_bytes);
      return stream_end(stream, COWBIRD_RESOURCE_EXHAUSTED);
    }
    if (slot->state == SLOT_LOST) return stream_end(stream, stream_lost(client));
    cowbird_code code = connection_transmit(client, until);
    if (code == COWBIRD_OK && buffer_size(&slot->stash)) continue;
    if (code == COWBIRD_OK) code = connection_fill(client, until);
    if (slot->state == SLOT_LOST || code == COWBIRD_OK) continue;
    if (now_nanos() >= slot->deadline) {
      client_fail(client, COWBIRD_DEADLINE_EXCEEDED, "the stream's time is over");
      return stream_end(stream, COWBIRD_DEADLINE_EXCEEDED);
    }
    if (now_nanos() < wait) continue;
    client_begin(client);
    return COWBIRD_NOT_YET;
  }
}

cowbird_code cowbird_stream_receive(cowbird_stream *stream, cowbird_bytes *message) {
  return stream_wait(stream, NO_DEADLINE, message);
}

cowbird_code cowbird_stream_wait(cowbird_stream *stream, int64_t wait_nanos, cowbird_bytes *message) {
  deadline now = now_nanos();
  if (wait_nanos < 0) wait_nanos = 0;
  return stream_wait(stream, wait_nanos < NO_DEADLINE - now ? now + wait_nanos : NO_DEADLINE, message);
}

cowbird_code cowbird_stream_receive_message(cowbird_stream *stream, const ProtobufCMessageDescriptor *answer,
                                            ProtobufCMessage **message) {
  cowbird_bytes bytes;
  cowbird_code code = cowbird_stream_receive(stream, &bytes);
  return code == COWBIRD_OK ? client_unpack(stream->client, bytes, answer, message) : code;
}

cowbird_code cowbird_stream_wait_message(cowbird_stream *stream, int64_t wait_nanos,
                                         const ProtobufCMessageDescriptor *answer, ProtobufCMessage **message) {
  cowbird_bytes bytes;
  cowbird_code code = cowbird_stream_wait(stream, wait_nanos, &bytes);
  return code == COWBIRD_OK ? client_unpack(stream->client, bytes, answer, message) : code;
}

void cowbird_stream_close(cowbird_stream *stream) {
  if (!stream) return;
  cowbird_client *client = stream->client;
  client_begin(client);
  struct slot *slot = slot_find(client, stream->id);
  if (!stream->ended && slot) {
    if (!stream->send_closed && slot->state == SLOT_WAITING)
      stream_send(stream, NULL, NULL, 0, FLAG_REMOTE_CLOSED | FLAG_NO_DATA);
    slot = slot_find(client, stream->id);
    if (slot) slot_release(client, slot);
  }
  stream_spare(stream);
}
