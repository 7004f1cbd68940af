/* What is in flight on the connection: a slot for each call and stream, found by its id. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Ids are 32 bits, odd, and grow. */
#define LAST_ID (UINT32_MAX - 2)

static struct slot *slot_at(cowbird_client *client, uint32_t id) {
  return &client->slots[(id >> 1) & client->slot_mask];
}

struct slot *slot_find(cowbird_client *client, uint32_t id) {
  struct slot *slot = slot_at(client, id);
  return slot->state != SLOT_FREE && slot->id == id ? slot : NULL;
}

static bool grow_slots(cowbird_client *client) {
  uint32_t mask = client->slot_mask * 2 + 1;
  struct slot *slots = calloc((size_t)mask + 1, sizeof *slots);
  if (!slots) return false;
  for (uint32_t i = 0; i <= client->slot_mask; i++) {
    /* Free ones too: their stash may hold the answer that was given out last. */
    struct slot *slot = &client->slots[i];
    if (slot->id) slots[(slot->id >> 1) & mask] = *slot;
  }
  free(client->slots);
  client->slots = slots;
  client->slot_mask = mask;
  return true;
}

struct slot *slot_take(cowbird_client *client) {
  uint32_t taken = client->calls + client->streams;
  if (taken * 2 > client->slot_mask && !grow_slots(client)) {
    client_no_memory(client);
    return NULL;
  }
  while (client->next_id <= LAST_ID && slot_at(client, client->next_id)->state != SLOT_FREE) client->next_id += 2;
  if (client->next_id > LAST_ID) {
    client_fail(client, COWBIRD_RESOURCE_EXHAUSTED,
                "this connection's ids are used up: collect the calls in flight and close the streams");
    return NULL;
  }
  struct slot *slot = slot_at(client, client->next_id);
  struct buffer stash = slot->stash;
  buffer_clear(&stash);
  *slot = (struct slot){.id = client->next_id, .state = SLOT_WAITING, .stash = stash};
  client->next_id += 2;
  return slot;
}

void slot_release(cowbird_client *client, struct slot *slot) {
  if (slot->is_stream) {
    client->streams--;
  } else {
    client->calls--;
    if (slot->state == SLOT_DONE || slot->state == SLOT_LOST) client->done--;
  }
  slot->state = SLOT_FREE;
}

void slot_deliver(cowbird_client *client, const struct frame *frame) {
  struct slot *slot = slot_find(client, frame->stream);
  if (!slot || slot->state != SLOT_WAITING) return; /* given up, or never ours */
  size_t size = FRAME_HEADER_BYTES + (size_t)frame->size;
  if (slot->is_stream && buffer_size(&slot->stash) + size > client->options.stream_buffer_bytes)
    slot->overflowed = true;
  if (slot->overflowed) return;
  if (!buffer_reserve(&slot->stash, size)) {
    slot->overflowed = true;
    return;
  }
  memcpy(slot->stash.bytes + slot->stash.end, frame->data - FRAME_HEADER_BYTES, size);
  slot->stash.end += size;
  if (slot->is_stream) return;
  slot->state = SLOT_DONE;
  client->done++;
}

void slots_lose(cowbird_client *client, const char *why) {
  buffer_clear(&client->out);
  snprintf(client->lost, sizeof client->lost, "%s", why);
  for (uint32_t i = 0; i <= client->slot_mask; i++) {
    struct slot *slot = &client->slots[i];
    if (slot->state != SLOT_WAITING) continue;
    slot->state = SLOT_LOST;
    slot->unsent = slot->begin >= client->sent;
    if (!slot->is_stream) client->done++;
  }
  client->sent = client->queued;
}

uint64_t slots_first_byte(const cowbird_client *client) {
  uint64_t first = client->queued;
  for (uint32_t i = 0; i <= client->slot_mask; i++) {
    const struct slot *slot = &client->slots[i];
    if (slot->state == SLOT_WAITING && slot->begin < first) first = slot->begin;
  }
  return first;
}
