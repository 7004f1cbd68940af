/* The handle: made of options, connected, freed. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

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
