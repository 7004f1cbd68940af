/* Growable byte buffers, and the arena that protobuf-c unpacks into. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

bool buffer_reserve(struct buffer *buffer, size_t room) {
  if (buffer->capacity - buffer->end >= room) return true;
  size_t size = buffer_size(buffer);
  if (buffer->capacity >= size + room) {
    memmove(buffer->bytes, buffer->bytes + buffer->start, size);
  } else {
    size_t capacity = buffer->capacity ? buffer->capacity : 4096;
    while (capacity < size + room) capacity *= 2;
    uint8_t *bytes = malloc(capacity);
    if (!bytes) return false;
    if (size) memcpy(bytes, buffer->bytes + buffer->start, size);
    free(buffer->bytes);
    buffer->bytes = bytes;
    buffer->capacity = capacity;
  }
  buffer->start = 0;
  buffer->end = size;
  return true;
}

void buffer_free(struct buffer *buffer) {
  free(buffer->bytes);
  *buffer = (struct buffer){0};
}

struct arena_block {
  struct arena_block *next;
  size_t used, capacity;
  _Alignas(16) uint8_t bytes[];
};

static void *arena_allocate(void *context, size_t size) {
  struct arena *arena = context;
  size = (size + 15) & ~(size_t)15;
  struct arena_block *block = arena->current;
  while (block && block->capacity - block->used < size) {
    block = block->next;
    if (block) block->used = 0;
  }
  if (!block) {
    size_t capacity = 16384;
    if (arena->current) capacity = arena->current->capacity * 2;
    while (capacity < size) capacity *= 2;
    block = malloc(sizeof *block + capacity);
    if (!block) return NULL;
    block->next = NULL;
    block->used = 0;
    block->capacity = capacity;
    if (arena->current) {
      struct arena_block *last = arena->current;
      while (last->next) last = last->next;
      last->next = block;
    } else {
      arena->first = block;
    }
  }
  arena->current = block;
  void *at = block->bytes + block->used;
  block->used += size;
  return at;
}

static void arena_ignore(void *context, void *pointer) {
  (void)context;
  (void)pointer;
}

void arena_init(struct arena *arena) {
  *arena = (struct arena){0};
  arena->allocator = (ProtobufCAllocator){arena_allocate, arena_ignore, arena};
}

void arena_reset(struct arena *arena) {
  arena->current = arena->first;
  if (arena->current) arena->current->used = 0;
}

void arena_free(struct arena *arena) {
  for (struct arena_block *block = arena->first; block;) {
    struct arena_block *next = block->next;
    free(block);
    block = next;
  }
  arena->first = arena->current = NULL;
}
