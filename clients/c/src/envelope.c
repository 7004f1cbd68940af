/* The ttrpc envelope: written straight into the output buffer and read in place. */
#include <string.h>

#include "internal.h"

static void put32(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)(value >> 24);
  at[1] = (uint8_t)(value >> 16);
  at[2] = (uint8_t)(value >> 8);
  at[3] = (uint8_t)value;
}

static uint32_t get32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void frame_write_header(uint8_t *at, uint32_t size, uint32_t stream, uint8_t type, uint8_t flags) {
  put32(at, size);
  put32(at + 4, stream);
  at[8] = type;
  at[9] = flags;
}

void frame_read_header(const uint8_t *at, struct frame *frame) {
  frame->size = get32(at);
  frame->stream = get32(at + 4);
  frame->type = at[8];
  frame->flags = at[9];
  frame->data = at + FRAME_HEADER_BYTES;
}

size_t varint_size(uint64_t value) {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) size++;
  return size;
}

uint8_t *varint_write(uint8_t *at, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *at++ = (uint8_t)(value | 0x80);
  *at++ = (uint8_t)value;
  return at;
}

/* Field numbers are below 16, so that a tag is one byte. */
static size_t bytes_size(size_t size) { return 1 + varint_size(size) + size; }

static uint8_t *bytes_write(uint8_t *at, unsigned field, const void *data, size_t size) {
  *at++ = (uint8_t)(field << 3 | 2);
  at = varint_write(at, size);
  if (size) memcpy(at, data, size);
  return at + size;
}

static size_t pair_size(const cowbird_metadata *pair) {
  return bytes_size(strlen(pair->key)) + bytes_size(strlen(pair->value));
}

size_t envelope_size(const struct request *request) {
  size_t size = bytes_size(strlen(request->service)) + bytes_size(strlen(request->method));
  size += bytes_size(request->payload.size);
  if (request->timeout_nanos) size += 1 + varint_size((uint64_t)request->timeout_nanos);
  for (size_t i = 0; i < request->metadata_count; i++) size += bytes_size(pair_size(&request->metadata[i]));
  return size;
}

uint8_t *payload_write(const struct request *request, uint8_t *at) {
  if (request->message)
    protobuf_c_message_pack(request->message, at);
  else if (request->payload.size) memcpy(at, request->payload.data, request->payload.size);
  return at + request->payload.size;
}

uint8_t *envelope_write(const struct request *request, uint8_t *at) {
  at = bytes_write(at, 1, request->service, strlen(request->service));
  at = bytes_write(at, 2, request->method, strlen(request->method));
  *at++ = 3 << 3 | 2;
  at = varint_write(at, request->payload.size);
  at = payload_write(request, at);
  if (request->timeout_nanos) {
    *at++ = 4 << 3;
    at = varint_write(at, (uint64_t)request->timeout_nanos);
  }
  for (size_t i = 0; i < request->metadata_count; i++) {
    const cowbird_metadata *pair = &request->metadata[i];
    *at++ = 5 << 3 | 2;
    at = varint_write(at, pair_size(pair));
    at = bytes_write(at, 1, pair->key, strlen(pair->key));
    at = bytes_write(at, 2, pair->value, strlen(pair->value));
  }
  return at;
}

/* A reader of protobuf fields; `bad` once something does not fit. */
struct reader {
  const uint8_t *at, *end;
  bool bad;
};

static uint64_t read_varint(struct reader *reader) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
    uint8_t byte = *reader->at++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  reader->bad = true;
  return 0;
}

static cowbird_bytes read_bytes(struct reader *reader) {
  uint64_t size = read_varint(reader);
  cowbird_bytes bytes = {reader->at, 0};
  if (reader->bad || size > (uint64_t)(reader->end - reader->at)) {
    reader->bad = true;
    return bytes;
  }
  bytes.size = (size_t)size;
  reader->at += size;
  return bytes;
}

static void skip_field(struct reader *reader, unsigned wire_type) {
  size_t size = 0;
  switch (wire_type) {
    case 0: read_varint(reader); return;
    case 1: size = 8; break;
    case 2: read_bytes(reader); return;
    case 5: size = 4; break;
    default: reader->bad = true; return;
  }
  if ((size_t)(reader->end - reader->at) < size)
    reader->bad = true;
  else
    reader->at += size;
}

static bool read_status(cowbird_bytes data, struct response *response) {
  struct reader reader = {data.data, data.data + data.size, false};
  while (reader.at < reader.end && !reader.bad) {
    uint64_t tag = read_varint(&reader);
    if (tag == (1 << 3 | 0))
      response->code = (int32_t)read_varint(&reader);
    else if (tag == (2 << 3 | 2))
      response->message = read_bytes(&reader);
    else
      skip_field(&reader, tag & 7);
  }
  return !reader.bad;
}

bool envelope_read(cowbird_bytes data, struct response *response) {
  *response = (struct response){0};
  response->payload.data = response->message.data = data.data;
  struct reader reader = {data.data, data.data + data.size, false};
  while (reader.at < reader.end && !reader.bad) {
    uint64_t tag = read_varint(&reader);
    if (tag == (1 << 3 | 2)) {
      cowbird_bytes status = read_bytes(&reader);
      if (reader.bad || !read_status(status, response)) return false;
    } else if (tag == (2 << 3 | 2)) {
      response->payload = read_bytes(&reader);
    } else {
      skip_field(&reader, tag & 7);
    }
  }
  return !reader.bad;
}
