/*
 * What the files of libcowbird share; nothing here is installed. Each file uses those above it only.
 */
#ifndef COWBIRD_INTERNAL_H
#define COWBIRD_INTERNAL_H

#include "cowbird.h"

/* ---------------------------------------------------------------------------------------- buffer.c */

/* Bytes in use are [start, end) of `bytes`. */
struct buffer {
  uint8_t *bytes;
  size_t start, end, capacity;
};

/* Makes room for `room` bytes at the end; may move what is there. False: no memory. */
bool buffer_reserve(struct buffer *buffer, size_t room);
void buffer_free(struct buffer *buffer);
static inline size_t buffer_size(const struct buffer *buffer) { return buffer->end - buffer->start; }
static inline void buffer_clear(struct buffer *buffer) { buffer->start = buffer->end = 0; }

/* A bump allocator: blocks that are kept and reused after `arena_reset`. */
struct arena_block;
struct arena {
  struct arena_block *first, *current;
  ProtobufCAllocator allocator;
};
void arena_init(struct arena *arena);
void arena_reset(struct arena *arena);
void arena_free(struct arena *arena);

/* -------------------------------------------------------------------------------------- envelope.c */

/*
 * A frame:
 *
 *     0        4        8      9       10
 *     | length | stream | type | flags | data, `length` bytes ...
 *
 * length and stream are big-endian; the length is that of the data alone.
 */
enum {
  FRAME_HEADER_BYTES = 10,
  FRAME_REQUEST = 1,
  FRAME_RESPONSE = 2,
  FRAME_DATA = 3,
  FLAG_REMOTE_CLOSED = 1,
  FLAG_REMOTE_OPEN = 2,
  FLAG_NO_DATA = 4
};

struct frame {
  uint32_t stream, size;
  uint8_t type, flags;
  const uint8_t *data;
};

void frame_write_header(uint8_t *at, uint32_t size, uint32_t stream, uint8_t type, uint8_t flags);
/* Reads a header; `frame->data` is what follows it. */
void frame_read_header(const uint8_t *at, struct frame *frame);

/* A request on its way out: `message`, packed in place (`payload.size` is its packed size), or `payload`. */
struct request {
  const char *service, *method;
  const ProtobufCMessage *message;
  cowbird_bytes payload;
  int64_t timeout_nanos; /* 0: none */
  const cowbird_metadata *metadata;
  size_t metadata_count;
};

size_t varint_size(uint64_t value);
/* Returns where it ends. */
uint8_t *varint_write(uint8_t *at, uint64_t value);

/* Bytes of the encoded ttrpc.Request. */
size_t envelope_size(const struct request *request);
/* Writes it; returns where it ends. */
uint8_t *envelope_write(const struct request *request, uint8_t *at);
/* Writes the message or the payload alone. */
uint8_t *payload_write(const struct request *request, uint8_t *at);

/* A ttrpc.Response, read in place. */
struct response {
  int32_t code;
  cowbird_bytes message, payload;
};
/* False: it is no valid Response. */
bool envelope_read(cowbird_bytes data, struct response *response);

/* -------------------------------------------------------------------------------------- the handle */

/* A moment of the monotonic clock, in nanoseconds. */
typedef int64_t deadline;
#define NO_DEADLINE INT64_MAX

enum slot_state { SLOT_FREE = 0, SLOT_WAITING, SLOT_DONE, SLOT_LOST };

/*
 * A call or a stream in flight. It stands at slots[(id / 2) & slot_mask]: ids grow, so a place that is still
 * taken is skipped by skipping its id, and finding a call is one comparison.
 */
struct slot {
  uint32_t id;
  uint8_t state;
  bool is_stream, overflowed;
  bool unsent; /* LOST before its first byte had left */
  deadline deadline;
  uint64_t begin;      /* place of its first byte in all that this handle has queued */
  struct buffer stash; /* frames that came while something else was waited for, headers included */
};

struct cowbird_stream {
  cowbird_client *client;
  struct cowbird_stream *next; /* in the list of open or of spare streams */
  uint32_t id;
  bool sends_many, receives_many;
  bool send_closed, ended;
  cowbird_code status;
};

struct cowbird_client {
  cowbird_options options;
  char *path;
  int descriptor;
  deadline receive_timeout; /* as SO_RCVTIMEO stands: nanoseconds, 0: none */
  uint64_t random;          /* for the jitter of the backoff */

  struct buffer in, out;
  uint64_t queued, sent; /* bytes of frames, over the handle's life */
  uint32_t next_id;

  struct slot *slots;
  uint32_t slot_mask;
  uint32_t calls, streams, done; /* in flight; of the calls: ended and not collected */

  cowbird_stream *open_streams, *spare_streams;
  struct arena arena;

  cowbird_code code;
  char message[1024];
  char lost[256]; /* why the last connection was lost */
};

/* --------------------------------------------------------------------------------------- failure.c */

/* Nothing went wrong yet: what every public function begins with. */
static inline void client_begin(cowbird_client *client) {
  client->code = COWBIRD_OK;
  client->message[0] = 0;
}
cowbird_code client_fail(cowbird_client *client, cowbird_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
cowbird_code client_fail_bytes(cowbird_client *client, int32_t code, cowbird_bytes message);
cowbird_code client_no_memory(cowbird_client *client);

/* ----------------------------------------------------------------------------------------- clock.c */

deadline now_nanos(void);
/* The moment at which a call with this timeout ends (0: the handle's default, negative: never). */
deadline client_deadline(const cowbird_client *client, int64_t timeout_nanos);
/* The pause after the nth failure: doubles up to the bound, and half of it is random. */
int64_t client_backoff(cowbird_client *client, unsigned failures);

/* ----------------------------------------------------------------------------------------- slots.c */

struct slot *slot_find(cowbird_client *client, uint32_t id);
/* Gives an id and a slot. NULL: no memory, or no ids left (the error is set). */
struct slot *slot_take(cowbird_client *client);
void slot_release(cowbird_client *client, struct slot *slot);
/* Files a frame that is not for the one being waited for. */
void slot_deliver(cowbird_client *client, const struct frame *frame);
/* All that is in flight ends as lost; nothing queued is sent any more. */
void slots_lose(cowbird_client *client, const char *why);
/* Place of the first byte of what is in flight; without any, of what will be queued next. */
uint64_t slots_first_byte(const cowbird_client *client);

/* ------------------------------------------------------------------------------------ connection.c */

/* Connects if need be, with backoff when the options say so. */
cowbird_code connection_open(cowbird_client *client, deadline until);
/* Closes, and ends what is in flight as lost. */
void connection_close(cowbird_client *client, const char *why);
/* Sends all that is queued; reads and stashes while the kernel takes no more. */
cowbird_code connection_transmit(cowbird_client *client, deadline until);
/* Waits for bytes and reads once. NOT_YET: the time is over; UNAVAILABLE: lost (slots are marked). */
cowbird_code connection_fill(cowbird_client *client, deadline until);
/* Takes the next whole frame off `in`. False: more bytes are needed, or framing was lost (and it is closed). */
bool connection_next(cowbird_client *client, struct frame *frame);

/* ----------------------------------------------------------------------------------------- calls.c */

/* Queues a request frame with a fresh id. */
cowbird_code call_queue(cowbird_client *client, struct request *request, uint8_t flags, deadline until,
                        bool is_stream, uint32_t *id);
struct request call_request(const char *service, const char *method, const ProtobufCMessage *message,
                            const void *payload, size_t size, const cowbird_call_options *options);
/* Unpacks an answer into the arena. */
cowbird_code client_unpack(cowbird_client *client, cowbird_bytes bytes, const ProtobufCMessageDescriptor *answer,
                           ProtobufCMessage **message);

/* --------------------------------------------------------------------------------------- streams.c */

/* Queues one message (packed, or as bytes) behind what waits to be sent, and sends nothing. */
cowbird_code stream_queue(cowbird_stream *stream, const ProtobufCMessage *message, const void *bytes, size_t size,
                          uint8_t flags);

#define QUEUE_BYTES_MAX (64u << 10)

#endif
