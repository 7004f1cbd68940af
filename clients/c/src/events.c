/*
 * Events that survive reconnects: numbered, held until acknowledged, sent again from where the log stands.
 *
 *     held:   [ sent, not acknowledged | not sent on this connection ]
 *             ^start                   ^sent                          ^end
 *
 * What is held is encoded as StreamRequest.events already, so that a batch is a range of it and nothing is packed twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

enum { BATCH_DEFAULT = 500, BATCH_MAX = 100000, BATCH_BYTES = 1 << 20, EVENT_BYTES_MAX = COWBIRD_FRAME_BYTES_MAX - 64 };

/* What is known of a held event. */
struct held {
  uint64_t sequence;
  size_t size; /* of the event alone */
};

/* Bytes of an event with its tag and length. */
static size_t whole(size_t size) { return 1 + varint_size(size) + size; }

struct cowbird_event_stream {
  cowbird_client *client;
  cowbird_event_stream_options options;
  char *producer;
  cowbird_stream *stream; /* NULL: none is open */
  bool greeted;           /* the first answer has come, and with it the numbers and the credits */
  bool numbered;          /* it has come at least once */
  deadline patience;      /* when the first answer is late */

  struct buffer bytes, events; /* of struct held */
  size_t sent_bytes, sent_count;

  /* Of the open stream, in events. */
  uint64_t stream_sent, stream_acknowledged, stream_limit;

  unsigned failures; /* since the last answer */
  deadline next_try;
  char why[1024]; /* the last failure */
  cowbird_event_progress progress;
};

static size_t held_count(const cowbird_event_stream *events) {
  return buffer_size(&events->events) / sizeof(struct held);
}

static const struct held *held_at(const cowbird_event_stream *events, size_t place) {
  return (const struct held *)(const void *)(events->events.bytes + events->events.start) + place;
}

/* ----------------------------------------------------------------------------------------- what is held */

/* Room at the end. What moves is at most as much as has been freed since, so that it does not count. */
static bool reserve(struct buffer *buffer, size_t room) {
  if (buffer->capacity - buffer->end < room && buffer_size(buffer) > buffer->capacity / 2)
    room += buffer->capacity - buffer_size(buffer);
  return buffer_reserve(buffer, room);
}

static cowbird_code hold(cowbird_event_stream *events, const Cowbird__V1__Event *event, size_t size) {
  if (!reserve(&events->bytes, whole(size)) || !reserve(&events->events, sizeof(struct held)))
    return client_no_memory(events->client);
  uint8_t *at = events->bytes.bytes + events->bytes.end;
  *at++ = 3 << 3 | 2; /* StreamRequest.events */
  at = varint_write(at, size);
  protobuf_c_message_pack(&event->base, at);
  events->bytes.end += whole(size);
  struct held held = {event->sequence, size};
  memcpy(events->events.bytes + events->events.end, &held, sizeof held);
  events->events.end += sizeof held;
  events->progress.held_bytes += whole(size);
  events->progress.sent++;
  events->progress.next_sequence = event->sequence + 1;
  return COWBIRD_OK;
}

/* The oldest `count` events are the log's now, or were refused. */
static void release(cowbird_event_stream *events, size_t count) {
  for (size_t i = 0; i < count; i++) {
    size_t size = whole(held_at(events, 0)->size);
    events->bytes.start += size;
    events->events.start += sizeof(struct held);
    events->progress.held_bytes -= size;
    if (events->sent_count) {
      events->sent_count--;
      events->sent_bytes -= size;
    }
  }
  events->progress.acknowledged += count;
  if (!held_count(events)) {
    buffer_clear(&events->bytes);
    buffer_clear(&events->events);
  }
}

/* --------------------------------------------------------------------------------------- opening, losing */

static void drop(cowbird_event_stream *events) {
  if (events->stream) {
    /* Queued only: a daemon that does not read must not hold this up. */
    stream_queue(events->stream, NULL, NULL, 0, FLAG_REMOTE_CLOSED | FLAG_NO_DATA);
    cowbird_stream_close(events->stream);
    if (buffer_size(&events->client->out)) connection_transmit(events->client, 0);
  }
  events->stream = NULL;
  events->greeted = false;
  events->sent_bytes = events->sent_count = 0;
}

/* The stream ended with `code`. OK: it is to be opened again after a pause. */
static cowbird_code lose(cowbird_event_stream *events, cowbird_code code) {
  cowbird_client *client = events->client;
  snprintf(events->why, sizeof events->why, "%s",
           code == COWBIRD_END ? "the daemon ended the stream" : client->message);
  drop(events);
  events->next_try = now_nanos() + client_backoff(client, ++events->failures);
  if (code == COWBIRD_UNAVAILABLE || code == COWBIRD_END) return COWBIRD_OK;
  return client_fail(client, code, "%s", events->why);
}

static cowbird_code not_yet(cowbird_event_stream *events) {
  bool lost = !events->stream && events->failures;
  return client_fail(events->client, COWBIRD_NOT_YET, "%zu events wait%s%s", held_count(events),
                     lost ? " for a connection: " : " to be acknowledged", lost ? events->why : "");
}

/* Waits for the moment of the next try. False: the caller's time is over first. */
static bool pause_until_next_try(const cowbird_event_stream *events, deadline until) {
  deadline end = until < events->next_try ? until : events->next_try;
  for (deadline now = now_nanos(); now < end; now = now_nanos()) {
    struct timespec time = {(end - now) / COWBIRD_SECOND, (end - now) % COWBIRD_SECOND};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
  }
  return now_nanos() >= events->next_try;
}

static cowbird_code open_stream(cowbird_event_stream *events, deadline until) {
  cowbird_client *client = events->client;
  if (!pause_until_next_try(events, until)) return not_yet(events);
  deadline now = now_nanos(), soon = now + COWBIRD_MILLISECOND;
  events->patience = now + client->options.connect_timeout_nanos;
  cowbird_code code = connection_open(client, until < soon ? soon : until);
  cowbird_call_options forever = {.timeout_nanos = -1};
  if (code == COWBIRD_OK) code = cowbird_ingest_stream(client, &forever, &events->stream);
  if (code == COWBIRD_OK) {
    Cowbird__V1__StreamRequest hello = COWBIRD__V1__STREAM_REQUEST__INIT;
    hello.producer = events->producer;
    hello.durability = events->options.durability;
    code = cowbird_stream_send_message(events->stream, &hello.base);
  }
  if (code == COWBIRD_OK) return COWBIRD_OK;
  /* The time was the caller's, who may come again. */
  return lose(events, code == COWBIRD_DEADLINE_EXCEEDED ? COWBIRD_UNAVAILABLE : code);
}

/* The first answer says what the log holds of this producer: that is not sent again. */
static void greet(cowbird_event_stream *events, const Cowbird__V1__StreamResponse *answer) {
  size_t known = 0;
  while (known < held_count(events) && held_at(events, known)->sequence <= answer->producer_sequence) known++;
  release(events, known);
  events->stream_sent = events->stream_acknowledged = 0;
  events->stream_limit = answer->credits;
  if (answer->producer_sequence >= events->progress.next_sequence)
    events->progress.next_sequence = answer->producer_sequence + 1;
  if (events->numbered) events->progress.reconnects++;
  events->greeted = events->numbered = true;
}

/* ---------------------------------------------------------------------------------------- an open stream */

/* Sends what the credits allow, without waiting. */
static cowbird_code send_batches(cowbird_event_stream *events) {
  cowbird_client *client = events->client;
  for (;;) {
    while (buffer_size(&client->out) < QUEUE_BYTES_MAX && events->sent_count < held_count(events) &&
           events->stream_sent < events->stream_limit) {
      size_t count = 0, size = 0;
      while (events->sent_count + count < held_count(events) && count < events->options.batch &&
             events->stream_sent + count < events->stream_limit) {
        size_t next = whole(held_at(events, events->sent_count + count)->size);
        if (count && size + next > BATCH_BYTES) break;
        size += next;
        count++;
      }
      const uint8_t *batch = events->bytes.bytes + events->bytes.start + events->sent_bytes;
      cowbird_code code = stream_queue(events->stream, NULL, batch, size, 0);
      if (code != COWBIRD_OK) return code;
      events->sent_bytes += size;
      events->sent_count += count;
      events->stream_sent += count;
    }
    if (!buffer_size(&client->out)) return COWBIRD_OK;
    cowbird_code code = connection_transmit(client, 0);
    if (code == COWBIRD_DEADLINE_EXCEEDED) return COWBIRD_OK; /* the daemon takes no more at present */
    if (code != COWBIRD_OK) return code;
  }
}

static void tell_refusals(cowbird_event_stream *events, const Cowbird__V1__StreamResponse *answer) {
  events->progress.refused += answer->n_refusals;
  size_t place = 0, offset = 0; /* refusals come in the order of their events: one way through what is held */
  for (size_t i = 0; i < answer->n_refusals && events->options.refused; i++) {
    uint64_t wanted = answer->refusals[i]->index - events->stream_acknowledged;
    if (wanted >= events->sent_count || wanted < place) continue;
    for (; place < wanted; place++) offset += whole(held_at(events, place)->size);
    size_t size = held_at(events, place)->size;
    const uint8_t *at = events->bytes.bytes + events->bytes.start + offset + whole(size) - size;
    Cowbird__V1__Event *event = cowbird__v1__event__unpack(&events->client->arena.allocator, size, at);
    if (event) events->options.refused(events->options.context, event, answer->refusals[i]);
  }
}

static cowbird_code apply(cowbird_event_stream *events, const Cowbird__V1__StreamResponse *answer) {
  uint64_t count = answer->acknowledged - events->stream_acknowledged;
  if (answer->acknowledged < events->stream_acknowledged || count > events->sent_count)
    return client_fail(events->client, COWBIRD_INTERNAL, "acknowledged: %llu, but %llu events were sent",
                       (unsigned long long)answer->acknowledged, (unsigned long long)events->stream_sent);
  tell_refusals(events, answer);
  release(events, count);
  events->stream_acknowledged = answer->acknowledged;
  events->stream_limit = answer->acknowledged + answer->credits;
  events->progress.duplicates += answer->duplicates;
  return COWBIRD_OK;
}

/*
 * The next thing to do: connect, send, take an answer. Waits for it until `until`; NOT_YET when that is over. What
 * is lost with a connection is not an error: it is the next thing to do.
 */
static cowbird_code step(cowbird_event_stream *events, deadline until) {
  cowbird_client *client = events->client;
  if (!events->stream) return open_stream(events, until);
  cowbird_code code = events->greeted ? send_batches(events) : COWBIRD_OK;
  deadline end = !events->greeted && events->patience < until ? events->patience : until;
  int64_t wait = end == NO_DEADLINE ? INT64_MAX : end - now_nanos();
  ProtobufCMessage *message;
  if (code == COWBIRD_OK)
    code = cowbird_stream_wait_message(events->stream, wait, &cowbird__v1__stream_response__descriptor, &message);
  if (code == COWBIRD_NOT_YET) {
    if (events->greeted || now_nanos() < events->patience) return not_yet(events);
    client_fail(client, code = COWBIRD_UNAVAILABLE, "the daemon does not answer");
  }
  if (code == COWBIRD_OK) {
    const Cowbird__V1__StreamResponse *answer = (const Cowbird__V1__StreamResponse *)message;
    events->failures = 0;
    if (answer->offset > events->progress.offset) events->progress.offset = answer->offset;
    if (!events->greeted)
      greet(events, answer);
    else
      code = apply(events, answer);
  }
  return code == COWBIRD_OK ? code : lose(events, code);
}

/* ------------------------------------------------------------------------------------------ what is public */

cowbird_code cowbird_event_stream_new(cowbird_client *client, const cowbird_event_stream_options *options,
                                      cowbird_event_stream **made) {
  client_begin(client);
  *made = NULL;
  if (!options || !options->producer || !*options->producer)
    return client_fail(client, COWBIRD_INVALID_ARGUMENT, "producer: empty; a stream that can resume needs a name");
  if (options->batch > BATCH_MAX)
    return client_fail(client, COWBIRD_INVALID_ARGUMENT, "batch: %zu is above %d", options->batch, BATCH_MAX);
  cowbird_event_stream *events = calloc(1, sizeof *events);
  if (!events) return client_no_memory(client);
  events->client = client;
  events->options = *options;
  events->producer = strdup(options->producer);
  if (!events->producer) {
    free(events);
    return client_no_memory(client);
  }
  events->options.producer = events->producer;
  if (!events->options.batch) events->options.batch = BATCH_DEFAULT;
  if (!events->options.held_bytes_max) events->options.held_bytes_max = 64u << 20;
  *made = events;
  return COWBIRD_OK;
}

static deadline end_of_wait(int64_t wait_nanos) {
  if (wait_nanos < 0) return NO_DEADLINE;
  deadline now = now_nanos();
  return wait_nanos < NO_DEADLINE - now ? now + wait_nanos : NO_DEADLINE;
}

cowbird_code cowbird_event_stream_send(cowbird_event_stream *events, const Cowbird__V1__Event *event,
                                       int64_t wait_nanos, uint64_t *sequence) {
  cowbird_client *client = events->client;
  client_begin(client);
  /* Ten bytes more than it has: the number may be given below. */
  size_t size = protobuf_c_message_get_packed_size(&event->base) + 11;
  if (size > EVENT_BYTES_MAX)
    return client_fail(client, COWBIRD_RESOURCE_EXHAUSTED, "an event of %zu bytes is above the bound of %d", size,
                       EVENT_BYTES_MAX);
  deadline until = end_of_wait(wait_nanos);
  while (!events->numbered ||
         (held_count(events) && events->progress.held_bytes + size > events->options.held_bytes_max)) {
    cowbird_code code = step(events, until);
    if (code != COWBIRD_OK) return code;
  }
  Cowbird__V1__Event numbered = *event;
  if (numbered.sequence && numbered.sequence < events->progress.next_sequence)
    return client_fail(client, COWBIRD_INVALID_ARGUMENT, "sequence: %llu is below %llu, the next of this stream",
                       (unsigned long long)numbered.sequence, (unsigned long long)events->progress.next_sequence);
  if (!numbered.sequence) numbered.sequence = events->progress.next_sequence;
  cowbird_code code = hold(events, &numbered, protobuf_c_message_get_packed_size(&numbered.base));
  if (code != COWBIRD_OK) return code;
  if (sequence) *sequence = numbered.sequence;
  if ((held_count(events) - events->sent_count) % events->options.batch == 0) {
    /* What goes wrong here is found again, and told, by whoever waits for the event. */
    while (step(events, 0) == COWBIRD_OK) {}
  }
  client_begin(client);
  return COWBIRD_OK;
}

cowbird_code cowbird_event_stream_flush(cowbird_event_stream *events, int64_t wait_nanos) {
  client_begin(events->client);
  deadline until = end_of_wait(wait_nanos);
  while (held_count(events)) {
    cowbird_code code = step(events, until);
    if (code != COWBIRD_OK) return code;
  }
  client_begin(events->client);
  return COWBIRD_OK;
}

cowbird_event_progress cowbird_event_stream_progress(const cowbird_event_stream *events) { return events->progress; }

void cowbird_event_stream_free(cowbird_event_stream *events) {
  if (!events) return;
  drop(events);
  buffer_free(&events->bytes);
  buffer_free(&events->events);
  free(events->producer);
  free(events);
}
