/*
 * Event streams against a peer that keeps a log and breaks the connection as it likes: nothing is lost, nothing is
 * doubled, the credits are kept to. The peer is a thread of this program (peer.h); no server is needed.
 */
#include "peer.h"
#include "testing.h"

enum { LOG_MAX = 20000 };

/* The log of the peer, and what it is to do. Only the peer's thread writes it while a stream is used. */
static struct log {
  uint64_t sequences[LOG_MAX];
  atomic_size_t count;
  uint64_t highest;     /* of the producer */
  uint32_t credits;     /* given with every answer */
  int break_after;      /* messages a connection; 0: never */
  bool break_unanswered; /* before the last of them is answered */
  int silent_turns;     /* connections that are never answered, from the first */
  int status;           /* the first `status_turns` connections end with it */
  int status_turns;
  char refuse[32]; /* events of this item */
  bool overrun;    /* more came than the credits allowed */
} peer_log;

static void send_answer(int connection, uint32_t stream, const Cowbird__V1__StreamResponse *response) {
  static uint8_t bytes[1 << 16];
  size_t size = cowbird__v1__stream_response__get_packed_size(response);
  CHECK(size + FRAME_HEADER_BYTES <= sizeof bytes);
  frame_write_header(bytes, (uint32_t)size, stream, FRAME_DATA, 0);
  cowbird__v1__stream_response__pack(response, bytes + FRAME_HEADER_BYTES);
  send_bytes(connection, bytes, FRAME_HEADER_BYTES + size);
}

static void send_status(int connection, uint32_t stream, int code) {
  uint8_t bytes[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 << 3 | 2, 2, 1 << 3, (uint8_t)code};
  frame_write_header(bytes, 4, stream, FRAME_RESPONSE, 0);
  send_bytes(connection, bytes, sizeof bytes);
}

static void keep_a_log(int connection, int turn) {
  static uint8_t data[4u << 20];
  static Cowbird__V1__Refusal refusals[LOG_MAX], *pointers[LOG_MAX];
  struct frame frame;
  if (!read_frame(connection, data, &frame)) return; /* the request that opens the stream */
  uint32_t stream = frame.stream;
  if (turn < peer_log.silent_turns) {
    while (read_frame(connection, data, &frame)) {}
    return;
  }
  if (turn < peer_log.status_turns) {
    send_status(connection, stream, peer_log.status);
    while (read_frame(connection, data, &frame)) {}
    return;
  }
  uint64_t received = 0, limit = 0;
  for (int messages = 1; read_frame(connection, data, &frame) && !(frame.flags & FLAG_REMOTE_CLOSED); messages++) {
    Cowbird__V1__StreamRequest *request = cowbird__v1__stream_request__unpack(NULL, frame.size, data);
    CHECK(request);
    Cowbird__V1__StreamResponse response = COWBIRD__V1__STREAM_RESPONSE__INIT;
    for (size_t i = 0; i < request->n_events; i++) {
      const Cowbird__V1__Event *event = request->events[i];
      if (strcmp(event->interaction->item, peer_log.refuse) == 0) {
        Cowbird__V1__Refusal *refusal = &refusals[response.n_refusals];
        cowbird__v1__refusal__init(refusal);
        refusal->index = (uint32_t)(received + i);
        refusal->code = COWBIRD_INVALID_ARGUMENT;
        pointers[response.n_refusals++] = refusal;
      } else if (event->sequence <= peer_log.highest) {
        response.duplicates++;
      } else {
        size_t count = atomic_load(&peer_log.count);
        CHECK(count < LOG_MAX);
        peer_log.sequences[count] = peer_log.highest = event->sequence;
        atomic_store(&peer_log.count, count + 1);
      }
    }
    received += request->n_events;
    if (received > limit) peer_log.overrun = true;
    cowbird__v1__stream_request__free_unpacked(request, NULL);
    bool last = peer_log.break_after && messages == peer_log.break_after;
    if (last && peer_log.break_unanswered) return;
    response.acknowledged = received;
    response.credits = peer_log.credits;
    response.offset = atomic_load(&peer_log.count);
    response.producer_sequence = peer_log.highest;
    response.refusals = pointers;
    send_answer(connection, stream, &response);
    limit = received + peer_log.credits;
    if (last) return;
  }
}

static cowbird_client *client_of(const struct peer *peer) {
  cowbird_options options = {.socket = peer->path, .backoff_first_nanos = COWBIRD_MILLISECOND,
                             .backoff_max_nanos = 4 * COWBIRD_MILLISECOND};
  cowbird_client *client = cowbird_new(&options);
  CHECK(client);
  return client;
}

static cowbird_event_stream *stream_of(cowbird_client *client, const cowbird_event_stream_options *options) {
  cowbird_event_stream *stream;
  EXPECT(client, COWBIRD_OK, cowbird_event_stream_new(client, options, &stream));
  return stream;
}

static cowbird_code send_item(cowbird_event_stream *stream, const char *item, int64_t wait, uint64_t *sequence) {
  Cowbird__V1__Interaction interaction = COWBIRD__V1__INTERACTION__INIT;
  interaction.type = (char *)"click";
  interaction.user = (char *)"ann";
  interaction.item = (char *)(uintptr_t)item;
  Cowbird__V1__Event event = COWBIRD__V1__EVENT__INIT;
  event.kind_case = COWBIRD__V1__EVENT__KIND_INTERACTION;
  event.interaction = &interaction;
  return cowbird_event_stream_send(stream, &event, wait, sequence);
}

static void the_log_holds_each_once(size_t count) {
  CHECK(atomic_load(&peer_log.count) == count);
  for (size_t i = 0; i < count; i++) CHECK(peer_log.sequences[i] == i + 1);
}

static void broken_connections_lose_and_double_nothing(void) {
  static const struct {
    int after;
    bool unanswered;
    uint32_t credits;
    size_t batch;
  } ways[] = {{0, false, 65536, 500}, {5, false, 65536, 50}, {5, true, 65536, 50}, {3, true, 100, 1},
              {2, true, 70, 50},      {7, true, 10, 3},      {2, false, 1, 10}};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    enum { EVENTS = 2000 };
    peer_log = (struct log){.credits = ways[i].credits, .break_after = ways[i].after,
                            .break_unanswered = ways[i].unanswered};
    struct peer peer;
    peer_start(&peer, keep_a_log);
    cowbird_client *client = client_of(&peer);
    cowbird_event_stream_options options = {.producer = "p", .batch = ways[i].batch};
    cowbird_event_stream *stream = stream_of(client, &options);
    for (uint64_t number = 1; number <= EVENTS; number++) {
      uint64_t sequence;
      EXPECT(client, COWBIRD_OK, send_item(stream, "shoe", -1, &sequence));
      CHECK(sequence == number);
    }
    EXPECT(client, COWBIRD_OK, cowbird_event_stream_flush(stream, -1));
    cowbird_event_progress progress = cowbird_event_stream_progress(stream);
    CHECK(progress.sent == EVENTS && progress.acknowledged == EVENTS && progress.held_bytes == 0);
    CHECK(progress.refused == 0 && progress.duplicates == 0 && progress.offset == EVENTS);
    CHECK((progress.reconnects > 0) == (ways[i].after > 0));
    CHECK(!peer_log.overrun);
    the_log_holds_each_once(EVENTS);
    cowbird_event_stream_free(stream);
    cowbird_free(client);
    peer_stop(&peer);
  }
}

static void without_a_daemon_a_wait_of_nothing_takes_nothing(void) {
  struct peer peer;
  peer_start(&peer, keep_a_log);
  peer_stop(&peer);
  cowbird_client *client = client_of(&peer);
  cowbird_event_stream *stream = stream_of(client, &(cowbird_event_stream_options){.producer = "p"});
  for (int i = 0; i < 100; i++) EXPECT(client, COWBIRD_NOT_YET, send_item(stream, "shoe", 0, NULL));
  CHECK(strstr(cowbird_error_message(client), "cannot connect"));
  CHECK(cowbird_event_stream_progress(stream).sent == 0);
  EXPECT(client, COWBIRD_OK, cowbird_event_stream_flush(stream, 0)); /* nothing is held */

  peer_log = (struct log){.credits = 100};
  peer_listen(&peer);
  EXPECT(client, COWBIRD_OK, send_item(stream, "shoe", -1, NULL));
  EXPECT(client, COWBIRD_OK, cowbird_event_stream_flush(stream, -1));
  the_log_holds_each_once(1);
  cowbird_event_stream_free(stream);
  cowbird_free(client);
  peer_stop(&peer);
}

static void what_is_held_is_bounded_and_survives_an_outage(void) {
  peer_log = (struct log){.credits = 0}; /* greets, and then lets nothing come */
  struct peer peer;
  peer_start(&peer, keep_a_log);
  cowbird_client *client = client_of(&peer);
  cowbird_event_stream_options options = {.producer = "p", .batch = 10, .held_bytes_max = 10000};
  cowbird_event_stream *stream = stream_of(client, &options);
  EXPECT(client, COWBIRD_OK, send_item(stream, "shoe", -1, NULL));
  size_t taken = 1;
  while (taken < LOG_MAX && send_item(stream, "shoe", 0, NULL) == COWBIRD_OK) taken++;
  CHECK(cowbird_error_code(client) == COWBIRD_NOT_YET);
  CHECK(cowbird_event_stream_progress(stream).held_bytes <= 10000);
  CHECK(taken > 100 && taken < 1000);
  EXPECT(client, COWBIRD_NOT_YET, cowbird_event_stream_flush(stream, COWBIRD_MILLISECOND));
  CHECK(strstr(cowbird_error_message(client), "events wait"));
  cowbird_disconnect(client); /* the peer's thread ends with its connection */
  peer_stop(&peer);

  peer_log = (struct log){.credits = 50};
  peer_listen(&peer);
  EXPECT(client, COWBIRD_OK, cowbird_event_stream_flush(stream, -1));
  the_log_holds_each_once(taken);
  CHECK(cowbird_event_stream_progress(stream).reconnects == 1);
  cowbird_event_stream_free(stream);
  cowbird_free(client);
  peer_stop(&peer);
}

static void numbers_go_on_after_what_the_log_holds(void) {
  peer_log = (struct log){.credits = 100, .highest = 41};
  struct peer peer;
  peer_start(&peer, keep_a_log);
  cowbird_client *client = client_of(&peer);
  cowbird_event_stream *stream = stream_of(client, &(cowbird_event_stream_options){.producer = "p"});
  Cowbird__V1__Interaction interaction = COWBIRD__V1__INTERACTION__INIT;
  Cowbird__V1__Event event = COWBIRD__V1__EVENT__INIT;
  event.kind_case = COWBIRD__V1__EVENT__KIND_INTERACTION;
  interaction.item = (char *)"shoe";
  event.interaction = &interaction;
  event.sequence = 41;
  EXPECT(client, COWBIRD_INVALID_ARGUMENT, cowbird_event_stream_send(stream, &event, -1, NULL));
  CHECK(strstr(cowbird_error_message(client), "below 42"));
  uint64_t sequence;
  EXPECT(client, COWBIRD_OK, send_item(stream, "shoe", -1, &sequence));
  CHECK(sequence == 42);
  event.sequence = 50; /* a gap is the caller's to make */
  EXPECT(client, COWBIRD_OK, cowbird_event_stream_send(stream, &event, -1, &sequence));
  CHECK(sequence == 50 && cowbird_event_stream_progress(stream).next_sequence == 51);
  EXPECT(client, COWBIRD_OK, cowbird_event_stream_flush(stream, -1));
  CHECK(peer_log.sequences[0] == 42 && peer_log.sequences[1] == 50);
  cowbird_event_stream_free(stream);
  cowbird_free(client);
  peer_stop(&peer);
}

static size_t told;

static void count_refused(void *context, const Cowbird__V1__Event *event, const Cowbird__V1__Refusal *refusal) {
  CHECK(strcmp(event->interaction->item, context) == 0);
  CHECK(refusal->code == COWBIRD_INVALID_ARGUMENT);
  told++;
}

static void refused_events_are_told(void) {
  peer_log = (struct log){.credits = 64, .refuse = "bad"};
  struct peer peer;
  peer_start(&peer, keep_a_log);
  cowbird_client *client = client_of(&peer);
  cowbird_event_stream_options options = {
      .producer = "p", .batch = 16, .refused = count_refused, .context = (void *)"bad"};
  cowbird_event_stream *stream = stream_of(client, &options);
  told = 0;
  for (int i = 0; i < 1000; i++) EXPECT(client, COWBIRD_OK, send_item(stream, i % 3 ? "shoe" : "bad", -1, NULL));
  EXPECT(client, COWBIRD_OK, cowbird_event_stream_flush(stream, -1));
  CHECK(told == 334 && cowbird_event_stream_progress(stream).refused == 334);
  CHECK(atomic_load(&peer_log.count) == 666);
  cowbird_event_stream_free(stream);
  cowbird_free(client);
  peer_stop(&peer);
}

static void a_status_is_told_and_what_is_held_stays_held(void) {
  peer_log = (struct log){.credits = 0};
  struct peer peer;
  peer_start(&peer, keep_a_log);
  cowbird_client *client = client_of(&peer);
  cowbird_event_stream *stream = stream_of(client, &(cowbird_event_stream_options){.producer = "p"});
  for (int i = 0; i < 10; i++) EXPECT(client, COWBIRD_OK, send_item(stream, "shoe", -1, NULL));
  cowbird_disconnect(client);
  peer_stop(&peer);

  peer_log = (struct log){.credits = 100, .status = COWBIRD_RESOURCE_EXHAUSTED, .status_turns = 2};
  peer.turns = 0;
  peer_listen(&peer);
  EXPECT(client, COWBIRD_RESOURCE_EXHAUSTED, cowbird_event_stream_flush(stream, -1));
  CHECK(cowbird_event_stream_progress(stream).held_bytes > 0);
  cowbird_disconnect(client); /* the peer goes on to the next connection */
  EXPECT(client, COWBIRD_RESOURCE_EXHAUSTED, cowbird_event_stream_flush(stream, -1));
  cowbird_disconnect(client);
  EXPECT(client, COWBIRD_OK, cowbird_event_stream_flush(stream, -1));
  the_log_holds_each_once(10);
  cowbird_event_stream_free(stream);
  cowbird_free(client);
  peer_stop(&peer);
}

static void a_daemon_that_does_not_answer_is_tried_again(void) {
  peer_log = (struct log){.credits = 100, .silent_turns = 1};
  struct peer peer;
  peer_start(&peer, keep_a_log);
  cowbird_options options = {.socket = peer.path, .connect_timeout_nanos = 50 * COWBIRD_MILLISECOND,
                             .backoff_first_nanos = COWBIRD_MILLISECOND};
  cowbird_client *client = cowbird_new(&options);
  cowbird_event_stream *stream = stream_of(client, &(cowbird_event_stream_options){.producer = "p"});
  EXPECT(client, COWBIRD_NOT_YET, send_item(stream, "shoe", 500 * COWBIRD_MILLISECOND, NULL));
  cowbird_disconnect(client); /* it serves one connection at a time: the silent one ends here */
  EXPECT(client, COWBIRD_OK, send_item(stream, "shoe", -1, NULL));
  EXPECT(client, COWBIRD_OK, cowbird_event_stream_flush(stream, -1));
  the_log_holds_each_once(1);
  cowbird_event_stream_free(stream);
  cowbird_free(client);
  peer_stop(&peer);
}

static void a_stream_needs_a_producer(void) {
  cowbird_client *client = cowbird_new(NULL);
  cowbird_event_stream *stream;
  EXPECT(client, COWBIRD_INVALID_ARGUMENT, cowbird_event_stream_new(client, NULL, &stream));
  CHECK(!stream && strstr(cowbird_error_message(client), "producer"));
  EXPECT(client, COWBIRD_INVALID_ARGUMENT,
         cowbird_event_stream_new(client, &(cowbird_event_stream_options){.producer = "p", .batch = 100001}, &stream));
  cowbird_event_stream_free(NULL);
  cowbird_free(client);
}

int main(void) {
  RUN(broken_connections_lose_and_double_nothing);
  RUN(without_a_daemon_a_wait_of_nothing_takes_nothing);
  RUN(what_is_held_is_bounded_and_survives_an_outage);
  RUN(numbers_go_on_after_what_the_log_holds);
  RUN(refused_events_are_told);
  RUN(a_status_is_told_and_what_is_held_stays_held);
  RUN(a_daemon_that_does_not_answer_is_tried_again);
  RUN(a_stream_needs_a_producer);
  return 0;
}
