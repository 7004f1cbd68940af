/* Calls: submitted in any number, collected in any order. */

#include "internal.h"

/* Ids are 32 bits: past this one, the handle takes a new connection as soon as nothing is in flight. */
#define LAST_COMFORTABLE_ID 0xC0000001u

cowbird_code client_unpack(cowbird_client *client, cowbird_bytes bytes, const ProtobufCMessageDescriptor *answer,
                           ProtobufCMessage **message) {
  arena_reset(&client->arena);
  ProtobufCMessage *unpacked =
      protobuf_c_message_unpack(answer, &client->arena.allocator, bytes.size, bytes.data);
  if (!unpacked)
    return client_fail(client, COWBIRD_INTERNAL, "an answer of %zu bytes is no %s", bytes.size, answer->name);
  *message = unpacked;
  return COWBIRD_OK;
}

struct request call_request(const char *service, const char *method, const ProtobufCMessage *message,
                            const void *payload, size_t size, const cowbird_call_options *options) {
  struct request request = {.service = service, .method = method, .message = message};
  request.payload = (cowbird_bytes){payload, message ? protobuf_c_message_get_packed_size(message) : size};
  if (options) {
    request.metadata = options->metadata;
    request.metadata_count = options->metadata_count;
  }
  return request;
}

cowbird_code call_queue(cowbird_client *client, struct request *request, uint8_t flags, deadline until,
                        bool is_stream, uint32_t *id) {
  if (client->next_id > LAST_COMFORTABLE_ID && client->calls + client->streams == 0) {
    connection_close(client, "its ids were used up");
    client->next_id = 1;
  }
  cowbird_code code = connection_open(client, until);
  if (code != COWBIRD_OK) return code;
  if (until != NO_DEADLINE) {
    request->timeout_nanos = until - now_nanos();
    if (request->timeout_nanos <= 0)
      return client_fail(client, COWBIRD_DEADLINE_EXCEEDED, "the time was over before %s.%s was sent",
                         request->service, request->method);
  }
  size_t size = envelope_size(request);
  if (size > COWBIRD_FRAME_BYTES_MAX)
    return client_fail(client, COWBIRD_RESOURCE_EXHAUSTED,
                       "a request of %zu bytes for %s.%s is above the bound of %u bytes", size, request->service,
                       request->method, COWBIRD_FRAME_BYTES_MAX);
  if (!buffer_reserve(&client->out, FRAME_HEADER_BYTES + size)) return client_no_memory(client);
  struct slot *slot = slot_take(client);
  if (!slot) return client->code;
  slot->deadline = until;
  slot->begin = client->queued;
  slot->is_stream = is_stream;
  if (is_stream)
    client->streams++;
  else
    client->calls++;
  uint8_t *at = client->out.bytes + client->out.end;
  frame_write_header(at, (uint32_t)size, slot->id, FRAME_REQUEST, flags);
  envelope_write(request, at + FRAME_HEADER_BYTES);
  client->out.end += FRAME_HEADER_BYTES + size;
  client->queued += FRAME_HEADER_BYTES + size;
  *id = slot->id;
  return COWBIRD_OK;
}

/* Reads the answer of a unary call. */
static cowbird_code read_answer(cowbird_client *client, const struct frame *frame, cowbird_bytes *response) {
  struct response answer;
  if (frame->type != FRAME_RESPONSE || !envelope_read((cowbird_bytes){frame->data, frame->size}, &answer))
    return client_fail(client, COWBIRD_INTERNAL, "a frame of type %d and %u bytes is no answer to a call",
                       frame->type, frame->size);
  if (answer.code) return client_fail_bytes(client, answer.code, answer.message);
  if (response) *response = answer.payload;
  return COWBIRD_OK;
}

/* Ends a call whose slot is DONE or LOST. */
static cowbird_code finish(cowbird_client *client, struct slot *slot, cowbird_bytes *response) {
  bool was_lost = slot->state == SLOT_LOST, overflowed = slot->overflowed;
  const char *fate = slot->unsent ? "it was not sent" : "it may have been done";
  struct frame frame = {0};
  if (!was_lost && !overflowed) frame_read_header(slot->stash.bytes, &frame);
  slot_release(client, slot);
  if (was_lost)
    return client_fail(client, COWBIRD_UNAVAILABLE,
                       "the connection was lost (%s) while the call was in flight: %s", client->lost, fate);
  if (overflowed) return client_no_memory(client);
  return read_answer(client, &frame, response);
}

static cowbird_code expire(cowbird_client *client, struct slot *slot) {
  slot_release(client, slot);
  return client_fail(client, COWBIRD_DEADLINE_EXCEEDED, "no answer in time");
}

/* Waits for the call with this id, whose slot is taken. `lost`: it ended with the connection. */
static cowbird_code collect(cowbird_client *client, uint32_t id, cowbird_bytes *response, bool *lost) {
  struct slot *slot = slot_find(client, id);
  for (;;) {
    struct frame frame;
    while (slot->state == SLOT_WAITING && connection_next(client, &frame)) {
      if (frame.stream == id) {
        slot_release(client, slot);
        return read_answer(client, &frame, response);
      }
      slot_deliver(client, &frame);
    }
    cowbird_code code = COWBIRD_OK;
    if (slot->state == SLOT_WAITING) code = connection_transmit(client, slot->deadline);
    if (slot->state == SLOT_WAITING && code == COWBIRD_OK) code = connection_fill(client, slot->deadline);
    if (slot->state != SLOT_WAITING) {
      *lost = slot->state == SLOT_LOST;
      return finish(client, slot, response);
    }
    if (code == COWBIRD_NOT_YET || code == COWBIRD_DEADLINE_EXCEEDED) return expire(client, slot);
  }
}

static cowbird_code call(cowbird_client *client, struct request *request, const cowbird_call_options *options,
                         cowbird_bytes *response) {
  deadline until = client_deadline(client, options ? options->timeout_nanos : 0);
  for (;;) {
    uint32_t id;
    bool lost = false;
    cowbird_code code = call_queue(client, request, 0, until, false, &id);
    if (code == COWBIRD_OK) code = collect(client, id, response, &lost);
    if (!lost || !client->options.reconnect || !options || !options->idempotent) return code;
  }
}

cowbird_code cowbird_call(cowbird_client *client, const char *service, const char *method, const void *request,
                          size_t size, const cowbird_call_options *options, cowbird_bytes *response) {
  client_begin(client);
  struct request envelope = call_request(service, method, NULL, request, size, options);
  return call(client, &envelope, options, response);
}

cowbird_code cowbird_call_message(cowbird_client *client, const char *service, const char *method,
                                  const ProtobufCMessage *request, const ProtobufCMessageDescriptor *answer,
                                  const cowbird_call_options *options, ProtobufCMessage **response) {
  client_begin(client);
  struct request envelope = call_request(service, method, request, NULL, 0, options);
  cowbird_bytes bytes;
  cowbird_code code = call(client, &envelope, options, &bytes);
  return code == COWBIRD_OK ? client_unpack(client, bytes, answer, response) : code;
}

static cowbird_code submit(cowbird_client *client, struct request *request, const cowbird_call_options *options,
                           cowbird_ticket *ticket) {
  client_begin(client);
  deadline until = client_deadline(client, options ? options->timeout_nanos : 0);
  cowbird_code code = call_queue(client, request, 0, until, false, ticket);
  if (code != COWBIRD_OK || buffer_size(&client->out) < QUEUE_BYTES_MAX) return code;
  code = connection_transmit(client, until);
  if (code == COWBIRD_OK) return code;
  slot_release(client, slot_find(client, *ticket));
  return code;
}

cowbird_code cowbird_submit(cowbird_client *client, const char *service, const char *method,
                            const void *request, size_t size, const cowbird_call_options *options,
                            cowbird_ticket *ticket) {
  struct request envelope = call_request(service, method, NULL, request, size, options);
  return submit(client, &envelope, options, ticket);
}

cowbird_code cowbird_submit_message(cowbird_client *client, const char *service, const char *method,
                                    const ProtobufCMessage *request, const cowbird_call_options *options,
                                    cowbird_ticket *ticket) {
  struct request envelope = call_request(service, method, request, NULL, 0, options);
  return submit(client, &envelope, options, ticket);
}

cowbird_code cowbird_flush(cowbird_client *client, int64_t timeout_nanos) {
  client_begin(client);
  return connection_transmit(client, client_deadline(client, timeout_nanos));
}

static struct slot *call_slot(cowbird_client *client, cowbird_ticket ticket) {
  struct slot *slot = slot_find(client, ticket);
  return slot && !slot->is_stream ? slot : NULL;
}

cowbird_code cowbird_collect(cowbird_client *client, cowbird_ticket ticket, cowbird_bytes *response) {
  client_begin(client);
  bool lost;
  if (!call_slot(client, ticket))
    return client_fail(client, COWBIRD_NOT_FOUND, "ticket %u: no such call in flight", ticket);
  return collect(client, ticket, response, &lost);
}

cowbird_code cowbird_collect_message(cowbird_client *client, cowbird_ticket ticket,
                                     const ProtobufCMessageDescriptor *answer, ProtobufCMessage **response) {
  cowbird_bytes bytes;
  cowbird_code code = cowbird_collect(client, ticket, &bytes);
  return code == COWBIRD_OK ? client_unpack(client, bytes, answer, response) : code;
}

/* A call that has ended, or whose time is over; NULL: neither. `soonest`: when the next one's time is over. */
static struct slot *ended_slot(cowbird_client *client, deadline *soonest) {
  *soonest = NO_DEADLINE;
  for (uint32_t i = 0; i <= client->slot_mask; i++) {
    struct slot *slot = &client->slots[i];
    if (slot->state == SLOT_FREE || slot->is_stream) continue;
    if (slot->state != SLOT_WAITING) return slot;
    if (slot->deadline < *soonest) *soonest = slot->deadline;
  }
  if (*soonest == NO_DEADLINE || *soonest > now_nanos()) return NULL;
  for (uint32_t i = 0; i <= client->slot_mask; i++) {
    struct slot *slot = &client->slots[i];
    if (slot->state == SLOT_WAITING && !slot->is_stream && slot->deadline == *soonest) return slot;
  }
  return NULL;
}

cowbird_code cowbird_collect_any(cowbird_client *client, cowbird_ticket *ticket, cowbird_bytes *response) {
  client_begin(client);
  *ticket = 0;
  if (!client->calls) return client_fail(client, COWBIRD_NOT_FOUND, "no call is in flight");
  for (;;) {
    struct frame frame;
    while (!client->done && connection_next(client, &frame)) {
      struct slot *slot = call_slot(client, frame.stream);
      if (slot && slot->state == SLOT_WAITING) {
        *ticket = slot->id;
        slot_release(client, slot);
        return read_answer(client, &frame, response);
      }
      slot_deliver(client, &frame);
    }
    deadline soonest;
    struct slot *slot = ended_slot(client, &soonest);
    if (slot) {
      *ticket = slot->id;
      return slot->state == SLOT_WAITING ? expire(client, slot) : finish(client, slot, response);
    }
    if (connection_transmit(client, soonest) == COWBIRD_OK && !client->done) connection_fill(client, soonest);
  }
}

void cowbird_cancel(cowbird_client *client, cowbird_ticket ticket) {
  client_begin(client);
  struct slot *slot = call_slot(client, ticket);
  if (slot) slot_release(client, slot);
}

size_t cowbird_in_flight(const cowbird_client *client) { return client->calls; }
