/* The handle: its options, its error, its end. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

static const char *const code_names[] = {
    "OK",           "CANCELLED",           "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED",
    "NOT_FOUND",    "ALREADY_EXISTS",      "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION", "ABORTED",      "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL",
    "UNAVAILABLE",  "DATA_LOSS",           "UNAUTHENTICATED"};

const char *cowbird_code_name(cowbird_code code) {
  if (code == COWBIRD_END) return "END";
  if (code == COWBIRD_NOT_YET) return "NOT_YET";
  if (code < 0 || (size_t)code >= sizeof code_names / sizeof *code_names) return "UNKNOWN";
  return code_names[code];
}

cowbird_client *cowbird_new(const cowbird_options *options) {
  cowbird_client *client = calloc(1, sizeof *client);
  if (!client) return NULL;
  if (options) client->options = *options;
  const char *path = client->options.socket;
  if (!path) path = getenv("COWBIRD_SOCKET");
  if (!path || !*path) path = COWBIRD_DEFAULT_SOCKET;
  client->path = strdup(path);
  client->slot_mask = 127;
  client->slots = calloc(client->slot_mask + 1, sizeof *client->slots);
  if (!client->path || !client->slots) {
    free(client->path);
    free(client->slots);
    free(client);
    return NULL;
  }
  client->options.socket = client->path;
  if (client->options.connect_timeout_nanos <= 0) client->options.connect_timeout_nanos = 5 * COWBIRD_SECOND;
  if (client->options.backoff_first_nanos <= 0) client->options.backoff_first_nanos = 10 * COWBIRD_MILLISECOND;
  if (client->options.backoff_max_nanos <= 0) client->options.backoff_max_nanos = COWBIRD_SECOND;
  if (!client->options.stream_buffer_bytes) client->options.stream_buffer_bytes = 64u << 20;
  client->descriptor = -1;
  client->next_id = 1;
  client->random = (uint64_t)now_nanos() ^ (uint64_t)(uintptr_t)client;
  arena_init(&client->arena);
  return client;
}

static void free_streams(cowbird_stream *stream) {
  while (stream) {
    cowbird_stream *next = stream->next;
    free(stream);
    stream = next;
  }
}

void cowbird_free(cowbird_client *client) {
  if (!client) return;
  connection_close(client, "the handle was freed");
  free_streams(client->open_streams);
  free_streams(client->spare_streams);
  for (uint32_t i = 0; i <= client->slot_mask; i++) buffer_free(&client->slots[i].stash);
  free(client->slots);
  buffer_free(&client->in);
  buffer_free(&client->out);
  arena_free(&client->arena);
  free(client->path);
  free(client);
}

cowbird_code cowbird_connect(cowbird_client *client) {
  client_begin(client);
  return connection_open(client, NO_DEADLINE);
}

void cowbird_disconnect(cowbird_client *client) {
  client_begin(client);
  connection_close(client, "the handle was disconnected");
}

int cowbird_descriptor(const cowbird_client *client) { return client->descriptor; }

cowbird_code cowbird_error_code(const cowbird_client *client) { return client->code; }

const char *cowbird_error_message(const cowbird_client *client) { return client->message; }

cowbird_code client_fail(cowbird_client *client, cowbird_code code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(client->message, sizeof client->message, format, arguments);
  va_end(arguments);
  return client->code = code;
}

cowbird_code client_fail_bytes(cowbird_client *client, int32_t code, cowbird_bytes message) {
  size_t size = message.size;
  if (size >= sizeof client->message) {
    size = sizeof client->message - 1;
    while (size && (message.data[size] & 0xc0) == 0x80) size--; /* not within a character */
  }
  memcpy(client->message, message.data, size);
  client->message[size] = 0;
  return client->code = code > 0 && code <= 16 ? (cowbird_code)code : COWBIRD_UNKNOWN;
}

cowbird_code client_no_memory(cowbird_client *client) {
  return client_fail(client, COWBIRD_RESOURCE_EXHAUSTED, "out of memory in this process");
}

deadline now_nanos(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (deadline)time.tv_sec * COWBIRD_SECOND + time.tv_nsec;
}

deadline client_deadline(const cowbird_client *client, int64_t timeout_nanos) {
  if (timeout_nanos == 0) timeout_nanos = client->options.timeout_nanos;
  if (timeout_nanos <= 0) return NO_DEADLINE;
  deadline now = now_nanos();
  return timeout_nanos > NO_DEADLINE - 1 - now ? NO_DEADLINE : now + timeout_nanos;
}

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
