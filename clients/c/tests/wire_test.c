/*
 * What the client does with a peer that behaves badly, and the very bytes it sends. No server is needed: the peer
 * is a thread of this program (peer.h).
 */
#include <signal.h>
#include <time.h>

#include "peer.h"
#include "testing.h"

static cowbird_client *client_of(const struct peer *peer, bool reconnect) {
  cowbird_options options = {.socket = peer->path, .reconnect = reconnect, .timeout_nanos = 20 * COWBIRD_SECOND};
  cowbird_client *client = cowbird_new(&options);
  CHECK(client);
  return client;
}

static cowbird_code call_with(cowbird_client *client, const cowbird_call_options *options, cowbird_bytes *response) {
  return cowbird_call(client, "S", "M", "xyz", 3, options, response);
}

static bool is(cowbird_bytes bytes, const char *expected) {
  return bytes.size == strlen(expected) && memcmp(bytes.data, expected, bytes.size) == 0;
}

/* ------------------------------------------------------------------------------------------------ scripts */

static uint8_t seen[4096];
static struct frame seen_frame;

static void answer_all(int connection, int turn) {
  static uint8_t data[1 << 20];
  struct frame frame;
  (void)turn;
  while (read_frame(connection, data, &frame)) {
    if (frame.size <= sizeof seen) memcpy(seen, data, frame.size);
    seen_frame = frame;
    answer(connection, frame.stream, "ok");
  }
}

static void the_request_is_these_bytes(void) {
  struct peer peer;
  peer_start(&peer, answer_all);
  cowbird_client *client = client_of(&peer, false);
  cowbird_metadata pairs[] = {{"k", "v"}, {"who", "me"}};
  cowbird_call_options options = {.timeout_nanos = -1, .metadata = pairs, .metadata_count = 2};
  cowbird_bytes response;
  EXPECT(client, COWBIRD_OK, call_with(client, &options, &response));
  CHECK(is(response, "ok"));
  static const uint8_t golden[] = "\x0a\x01S\x12\x01M\x1a\x03xyz\x2a\x06\x0a\x01k\x12\x01v\x2a\x09\x0a\x03who\x12\x02me";
  CHECK(seen_frame.stream == 1 && seen_frame.type == FRAME_REQUEST && seen_frame.flags == 0);
  CHECK(seen_frame.size == sizeof golden - 1 && memcmp(seen, golden, sizeof golden - 1) == 0);

  options = (cowbird_call_options){.timeout_nanos = COWBIRD_SECOND};
  EXPECT(client, COWBIRD_OK, call_with(client, &options, &response));
  CHECK(seen_frame.stream == 3 && memcmp(seen, golden, 11) == 0 && seen[11] == (4 << 3));
  uint64_t timeout = 0;
  for (unsigned i = 12; i < seen_frame.size; i++) timeout |= (uint64_t)(seen[i] & 0x7f) << (i - 12) * 7;
  CHECK(timeout <= (uint64_t)COWBIRD_SECOND && timeout > (uint64_t)COWBIRD_SECOND / 2);
  cowbird_free(client);
  peer_stop(&peer);
}

static void answer_byte_by_byte(int connection, int turn) {
  uint8_t data[256], bytes[300];
  struct frame frame;
  (void)turn;
  while (read_frame(connection, data, &frame)) {
    size_t size = make_answer(bytes, frame.stream, "in pieces");
    for (size_t i = 0; i < size; i++) {
      send_bytes(connection, bytes + i, 1);
      if (i % 3 == 0) usleep(100);
    }
  }
}

static void an_answer_may_come_byte_by_byte(void) {
  struct peer peer;
  peer_start(&peer, answer_byte_by_byte);
  cowbird_client *client = client_of(&peer, false);
  for (int i = 0; i < 5; i++) {
    cowbird_bytes response;
    EXPECT(client, COWBIRD_OK, call_with(client, NULL, &response));
    CHECK(is(response, "in pieces"));
  }
  cowbird_free(client);
  peer_stop(&peer);
}

static void answer_backwards(int connection, int turn) {
  uint8_t data[256], bytes[4096];
  uint32_t ids[8];
  struct frame frame;
  (void)turn;
  for (int i = 0; i < 8; i++) {
    if (!read_frame(connection, data, &frame)) return;
    ids[i] = frame.stream;
  }
  size_t size = make_answer(bytes, 77777, "nobody asked");
  for (int i = 7; i >= 0; i--) {
    char text[2] = {(char)('0' + i), 0};
    size += make_answer(bytes + size, ids[i], text);
  }
  send_bytes(connection, bytes, size);
  read_frame(connection, data, &frame);
}

static void answers_in_any_order_find_their_calls(void) {
  struct peer peer;
  peer_start(&peer, answer_backwards);
  cowbird_client *client = client_of(&peer, false);
  cowbird_ticket tickets[8];
  for (int i = 0; i < 8; i++) EXPECT(client, COWBIRD_OK, cowbird_submit(client, "S", "M", "", 0, NULL, &tickets[i]));
  for (int i = 0; i < 8; i++) {
    cowbird_bytes response;
    EXPECT(client, COWBIRD_OK, cowbird_collect(client, tickets[i], &response));
    CHECK(response.size == 1 && response.data[0] == '0' + i);
  }
  cowbird_free(client);
  peer_stop(&peer);
}

/* Turn n sends the nth kind of nonsense. */
static void answer_nonsense(int connection, int turn) {
  static const char *const nonsense[] = {
      "\xff\xff\xff\xff\0\0\0\1\2\0",         /* a frame of 4 GiB */
      "\0\x40\0\1\0\0\0\1\2\0",               /* a frame of 4 MiB + 1 */
      "\0\0\0\2\0\0\0\3\2\0\xff\xff",         /* not protobuf (ids go on growing over connections) */
      "\0\0\0\3\0\0\0\5\2\0\x12\x7fx",        /* a payload that lies about its length */
      "\0\0\0\1\0\0\0\7\3\0x",                /* data for a unary call */
      "\0\0\0\5\0\0\0\1\2",                   /* half a header, and gone */
  };
  static const size_t sizes[] = {10, 10, 12, 13, 11, 9};
  uint8_t data[256];
  struct frame frame;
  if (!read_frame(connection, data, &frame) || turn >= 6) return;
  uint8_t bytes[16];
  memcpy(bytes, nonsense[turn], sizes[turn]);
  bytes[4] = (uint8_t)(frame.stream >> 24), bytes[5] = (uint8_t)(frame.stream >> 16);
  bytes[6] = (uint8_t)(frame.stream >> 8), bytes[7] = (uint8_t)frame.stream;
  send_bytes(connection, bytes, sizes[turn]);
  if (turn == 5) return;
  while (read_frame(connection, data, &frame)) {}
}

static void nonsense_ends_the_call_and_not_the_client(void) {
  struct peer peer;
  peer_start(&peer, answer_nonsense);
  cowbird_client *client = client_of(&peer, false);
  static const cowbird_code expected[] = {COWBIRD_UNAVAILABLE, COWBIRD_UNAVAILABLE, COWBIRD_INTERNAL,
                                          COWBIRD_INTERNAL, COWBIRD_INTERNAL, COWBIRD_UNAVAILABLE};
  for (int i = 0; i < 6; i++) {
    cowbird_bytes response;
    EXPECT(client, expected[i], call_with(client, NULL, &response));
    cowbird_disconnect(client);
  }
  cowbird_free(client);
  peer_stop(&peer);
}

/* Answers and stream frames in which a few bytes are wrong, or that end too early. The turn is the seed. */
static void answer_damaged(int connection, int turn) {
  uint64_t random = (uint64_t)turn * 2 + 1;
  uint8_t data[256], bytes[2048];
  struct frame call, stream;
  if (!read_frame(connection, data, &stream) || !read_frame(connection, data, &call)) return;
  size_t size = 0;
  for (int i = 0; i < 6; i++) {
    frame_write_header(bytes + size, 20, stream.stream, i % 2 ? FRAME_DATA : FRAME_RESPONSE, 0);
    memcpy(bytes + size + 10, "\x0a\x06\x08\x05\x12\x02no\x12\x0apayload...", 20);
    size += 30;
    size += make_answer(bytes + size, call.stream, "an answer");
  }
  for (int i = 0; i < 4; i++) {
    random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    bytes[(random >> 33) % size] = (uint8_t)(random >> 24);
  }
  send_bytes(connection, bytes, turn % 3 ? size : (random >> 40) % size);
}

static void damaged_answers_are_errors_and_no_more(void) {
  struct peer peer;
  peer_start(&peer, answer_damaged);
  cowbird_client *client = client_of(&peer, false);
  int well = 0;
  for (int i = 0; i < 500; i++) {
    cowbird_stream *stream;
    cowbird_bytes bytes;
    ProtobufCMessage *message;
    EXPECT(client, COWBIRD_OK, cowbird_stream_open(client, "S", "N", COWBIRD_BOTH_STREAM, NULL, 0, NULL, &stream));
    cowbird_code code = cowbird_call_message(client, "S", "M", NULL, &cowbird__v1__echo_response__descriptor,
                                             NULL, &message);
    CHECK(code >= COWBIRD_OK && code <= COWBIRD_UNAUTHENTICATED);
    well += code == COWBIRD_OK; /* the damage was elsewhere; "an answer" happens to be an unknown field */
    while ((code = cowbird_stream_receive(stream, &bytes)) == COWBIRD_OK) {}
    CHECK(code == COWBIRD_END || (code > COWBIRD_OK && code <= COWBIRD_UNAUTHENTICATED));
    cowbird_stream_close(stream);
    cowbird_disconnect(client);
  }
  CHECK(well > 100);
  cowbird_free(client);
  peer_stop(&peer);
}

static void never_read(int connection, int turn) {
  (void)turn;
  char byte;
  struct timespec pause = {0, 300000000};
  nanosleep(&pause, NULL);
  recv(connection, &byte, 1, MSG_PEEK);
}

static void a_deadline_covers_the_write(void) {
  struct peer peer;
  peer_start(&peer, never_read);
  cowbird_client *client = client_of(&peer, false);
  static uint8_t much[3 << 20];
  cowbird_call_options soon = {.timeout_nanos = 50 * COWBIRD_MILLISECOND};
  EXPECT(client, COWBIRD_DEADLINE_EXCEEDED, cowbird_call(client, "S", "M", much, sizeof much, &soon, NULL));
  cowbird_free(client);
  peer_stop(&peer);
}

static void answer_late(int connection, int turn) {
  uint8_t data[256];
  struct frame first, second;
  (void)turn;
  if (!read_frame(connection, data, &first) || !read_frame(connection, data, &second)) return;
  answer(connection, first.stream, "late");
  answer(connection, second.stream, "right");
  read_frame(connection, data, &first);
}

static void a_late_answer_is_not_taken_for_another(void) {
  struct peer peer;
  peer_start(&peer, answer_late);
  cowbird_client *client = client_of(&peer, false);
  cowbird_call_options soon = {.timeout_nanos = 20 * COWBIRD_MILLISECOND};
  cowbird_bytes response;
  EXPECT(client, COWBIRD_DEADLINE_EXCEEDED, call_with(client, &soon, &response));
  EXPECT(client, COWBIRD_OK, call_with(client, NULL, &response));
  CHECK(is(response, "right"));
  cowbird_free(client);
  peer_stop(&peer);
}

/* The first two connections vanish after the request was read; the third answers. */
static void vanish_twice(int connection, int turn) {
  uint8_t data[256];
  struct frame frame;
  if (!read_frame(connection, data, &frame)) return;
  if (turn < 2) return;
  do answer(connection, frame.stream, "third time");
  while (read_frame(connection, data, &frame));
}

static void only_an_idempotent_call_is_repeated(void) {
  struct peer peer;
  peer_start(&peer, vanish_twice);
  cowbird_client *client = client_of(&peer, true);
  cowbird_bytes response;
  EXPECT(client, COWBIRD_UNAVAILABLE, call_with(client, NULL, &response));
  CHECK(strstr(cowbird_error_message(client), "may have been done"));
  cowbird_call_options options = {.idempotent = true};
  EXPECT(client, COWBIRD_OK, call_with(client, &options, &response));
  CHECK(is(response, "third time"));
  CHECK(atomic_load(&peer.turns) == 3);
  cowbird_free(client);
  peer_stop(&peer);
}

static void a_restarted_server_is_found_again(void) {
  struct peer peer;
  peer_start(&peer, answer_all);
  cowbird_client *client = client_of(&peer, true);
  cowbird_bytes response;
  EXPECT(client, COWBIRD_OK, call_with(client, NULL, &response));
  shutdown(cowbird_descriptor(client), SHUT_RDWR); /* as if the server had closed it while nothing was in flight */
  peer_stop(&peer);
  peer_listen(&peer);
  EXPECT(client, COWBIRD_OK, call_with(client, NULL, &response));
  CHECK(is(response, "ok"));
  cowbird_free(client);
  peer_stop(&peer);
}

static void *listen_later(void *context) {
  usleep(50000);
  peer_listen(context);
  return NULL;
}

static void with_reconnect_a_server_may_come_later(void) {
  struct peer peer;
  peer_start(&peer, answer_all);
  peer_stop(&peer);
  cowbird_client *client = client_of(&peer, false);
  EXPECT(client, COWBIRD_UNAVAILABLE, cowbird_connect(client));
  CHECK(strstr(cowbird_error_message(client), peer.path));
  cowbird_free(client);

  client = client_of(&peer, true);
  cowbird_call_options soon = {.timeout_nanos = 20 * COWBIRD_MILLISECOND};
  EXPECT(client, COWBIRD_DEADLINE_EXCEEDED, call_with(client, &soon, NULL));
  pthread_t later;
  CHECK(pthread_create(&later, NULL, listen_later, &peer) == 0);
  cowbird_bytes response;
  EXPECT(client, COWBIRD_OK, call_with(client, NULL, &response));
  pthread_join(later, NULL);
  cowbird_free(client);
  peer_stop(&peer);
}

static void lost_calls_and_streams_say_so(void) {
  struct peer peer;
  peer_start(&peer, vanish_twice);
  cowbird_client *client = client_of(&peer, false);
  cowbird_ticket tickets[3];
  cowbird_stream *stream;
  for (int i = 0; i < 3; i++) EXPECT(client, COWBIRD_OK, cowbird_submit(client, "S", "M", "", 0, NULL, &tickets[i]));
  EXPECT(client, COWBIRD_OK, cowbird_stream_open(client, "S", "N", COWBIRD_BOTH_STREAM, NULL, 0, NULL, &stream));
  for (int i = 2; i >= 0; i--) EXPECT(client, COWBIRD_UNAVAILABLE, cowbird_collect(client, tickets[i], NULL));
  EXPECT(client, COWBIRD_UNAVAILABLE, cowbird_stream_send(stream, "x", 1));
  EXPECT(client, COWBIRD_UNAVAILABLE, cowbird_stream_receive(stream, &(cowbird_bytes){0}));
  cowbird_stream_close(stream);
  CHECK(cowbird_in_flight(client) == 0);
  cowbird_free(client);
  peer_stop(&peer);
}

static void flood_a_stream(int connection, int turn) {
  uint8_t data[256], chunk[10 + 1000] = {0};
  struct frame stream, call;
  (void)turn;
  if (!read_frame(connection, data, &stream) || !read_frame(connection, data, &call)) return;
  frame_write_header(chunk, 1000, stream.stream, FRAME_DATA, 0);
  for (int i = 0; i < 200; i++) send_bytes(connection, chunk, sizeof chunk);
  answer(connection, call.stream, "beside");
  read_frame(connection, data, &call);
}

static void a_stream_nobody_reads_is_bounded(void) {
  struct peer peer;
  peer_start(&peer, flood_a_stream);
  cowbird_options options = {.socket = peer.path, .stream_buffer_bytes = 50000};
  cowbird_client *client = cowbird_new(&options);
  cowbird_stream *stream;
  cowbird_bytes response;
  EXPECT(client, COWBIRD_OK, cowbird_stream_open(client, "S", "N", COWBIRD_SERVER_STREAM, "", 0, NULL, &stream));
  EXPECT(client, COWBIRD_OK, call_with(client, NULL, &response));
  CHECK(is(response, "beside"));
  cowbird_code code;
  int messages = 0;
  while ((code = cowbird_stream_receive(stream, &response)) == COWBIRD_OK) messages++;
  CHECK(code == COWBIRD_RESOURCE_EXHAUSTED && messages > 0 && messages < 200);
  cowbird_stream_close(stream);
  cowbird_free(client);
  peer_stop(&peer);
}

static void end_streams_in_every_way(int connection, int turn) {
  uint8_t data[256], bytes[64];
  struct frame frame;
  (void)turn;
  for (int way = 0; read_frame(connection, data, &frame); way++) {
    if (frame.type == FRAME_DATA) {
      way--;
      continue;
    }
    static const struct {
      uint8_t type, flags, size;
      const char *data;
    } ends[] = {
        {FRAME_RESPONSE, 0, 0, ""},                               /* a response without payload */
        {FRAME_RESPONSE, 0, 3, "\x12\x01z"},                      /* a response that is the last message */
        {FRAME_DATA, FLAG_REMOTE_CLOSED | FLAG_NO_DATA, 0, ""},   /* no data */
        {FRAME_DATA, FLAG_REMOTE_CLOSED, 1, "z"},                 /* the last message */
        {FRAME_RESPONSE, 0, 6, "\x0a\x04\x08\x05\x12\x00"},       /* NOT_FOUND */
    };
    if (way >= 5) return;
    frame_write_header(bytes, 1, frame.stream, FRAME_DATA, 0);
    bytes[10] = 'a';
    send_bytes(connection, bytes, 11);
    frame_write_header(bytes, ends[way].size, frame.stream, ends[way].type, ends[way].flags);
    memcpy(bytes + 10, ends[way].data, ends[way].size);
    send_bytes(connection, bytes, 10u + ends[way].size);
  }
}

static void a_stream_may_end_in_every_way(void) {
  struct peer peer;
  peer_start(&peer, end_streams_in_every_way);
  cowbird_client *client = client_of(&peer, false);
  static const cowbird_code ends[] = {COWBIRD_END, COWBIRD_END, COWBIRD_END, COWBIRD_END, COWBIRD_NOT_FOUND};
  static const int messages[] = {1, 2, 1, 2, 1};
  for (int way = 0; way < 5; way++) {
    cowbird_stream *stream;
    cowbird_bytes message;
    EXPECT(client, COWBIRD_OK, cowbird_stream_open(client, "S", "N", COWBIRD_BOTH_STREAM, NULL, 0, NULL, &stream));
    for (int i = 0; i < messages[way]; i++) {
      EXPECT(client, COWBIRD_OK, cowbird_stream_receive(stream, &message));
      CHECK(is(message, i ? "z" : "a"));
    }
    EXPECT(client, ends[way], cowbird_stream_receive(stream, &message));
    EXPECT(client, ends[way], cowbird_stream_receive(stream, &message));
    EXPECT(client, COWBIRD_FAILED_PRECONDITION, cowbird_stream_send(stream, "x", 1));
    cowbird_stream_close(stream);
  }
  cowbird_free(client);
  peer_stop(&peer);
}

static void ids_that_run_out_take_a_new_connection(void) {
  struct peer peer;
  peer_start(&peer, answer_all);
  cowbird_client *client = client_of(&peer, false);
  EXPECT(client, COWBIRD_OK, call_with(client, NULL, NULL));
  client->next_id = 0xC0000001u;
  EXPECT(client, COWBIRD_OK, call_with(client, NULL, NULL));
  EXPECT(client, COWBIRD_OK, call_with(client, NULL, NULL));
  CHECK(seen_frame.stream == 1 && atomic_load(&peer.turns) == 2);
  cowbird_free(client);
  peer_stop(&peer);
}

static void the_last_id_is_used_and_then_said_to_be(void) {
  struct peer peer;
  peer_start(&peer, answer_all);
  cowbird_client *client = client_of(&peer, false);
  cowbird_ticket in_flight;
  EXPECT(client, COWBIRD_OK, cowbird_submit(client, "S", "M", "xyz", 3, NULL, &in_flight));
  client->next_id = UINT32_MAX - 2;
  EXPECT(client, COWBIRD_OK, call_with(client, NULL, NULL));
  CHECK(seen_frame.stream == UINT32_MAX - 2);
  for (int i = 0; i < 3; i++) {
    EXPECT(client, COWBIRD_RESOURCE_EXHAUSTED, call_with(client, NULL, NULL));
    CHECK(strstr(cowbird_error_message(client), "ids are used up"));
  }
  EXPECT(client, COWBIRD_OK, cowbird_collect(client, in_flight, NULL));
  EXPECT(client, COWBIRD_OK, call_with(client, NULL, NULL));
  CHECK(seen_frame.stream == 1 && atomic_load(&peer.turns) == 2);
  cowbird_free(client);
  peer_stop(&peer);
}

static void on_alarm(int signal) { (void)signal; }

static void signals_do_not_end_a_call(void) {
  struct peer peer;
  peer_start(&peer, answer_byte_by_byte);
  cowbird_client *client = client_of(&peer, false);
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  ualarm(1000, 500);
  for (int i = 0; i < 20; i++) {
    cowbird_call_options options = {.timeout_nanos = (i % 2 ? 5 : 3000) * COWBIRD_MILLISECOND};
    cowbird_bytes response;
    cowbird_code code = call_with(client, i % 3 ? &options : NULL, &response);
    CHECK(code == COWBIRD_OK || (i % 2 && code == COWBIRD_DEADLINE_EXCEEDED));
  }
  ualarm(0, 0);
  cowbird_free(client);
  peer_stop(&peer);
}

int main(void) {
  RUN(the_request_is_these_bytes);
  RUN(an_answer_may_come_byte_by_byte);
  RUN(answers_in_any_order_find_their_calls);
  RUN(nonsense_ends_the_call_and_not_the_client);
  RUN(damaged_answers_are_errors_and_no_more);
  RUN(a_deadline_covers_the_write);
  RUN(a_late_answer_is_not_taken_for_another);
  RUN(only_an_idempotent_call_is_repeated);
  RUN(a_restarted_server_is_found_again);
  RUN(with_reconnect_a_server_may_come_later);
  RUN(lost_calls_and_streams_say_so);
  RUN(a_stream_nobody_reads_is_bounded);
  RUN(a_stream_may_end_in_every_way);
  RUN(ids_that_run_out_take_a_new_connection);
  RUN(the_last_id_is_used_and_then_said_to_be);
  RUN(signals_do_not_end_a_call);
  return 0;
}
