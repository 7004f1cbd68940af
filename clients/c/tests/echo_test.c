/* Promises of the client against a real server: $COWBIRD_SOCKET must have cowbird.v1.Health and cowbird.v1.Echo. */
#include <time.h>

#include "testing.h"

#define ECHO "cowbird.v1.Echo"

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * COWBIRD_SECOND + time.tv_nsec;
}

static Cowbird__V1__EchoRequest echo_request(const void *payload, size_t size, uint64_t number) {
  Cowbird__V1__EchoRequest request = COWBIRD__V1__ECHO_REQUEST__INIT;
  request.payload.data = (uint8_t *)(uintptr_t)payload;
  request.payload.len = size;
  request.number = number;
  return request;
}

static void what_goes_in_comes_out_at_every_size(void) {
  static const size_t sizes[] = {0, 1, 127, 128, 150, 16383, 16384, 65536, 1000000, (4u << 20) - 100};
  cowbird_client *client = client_for_tests();
  uint8_t *payload = malloc(4u << 20);
  for (size_t i = 0; i < 4u << 20; i++) payload[i] = (uint8_t)(i * 2654435761u >> 24);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    Cowbird__V1__EchoRequest request = echo_request(payload, sizes[i], i);
    Cowbird__V1__EchoResponse *response;
    EXPECT(client, COWBIRD_OK, cowbird_echo_unary(client, &request, NULL, &response));
    CHECK(response->number == i);
    CHECK(response->payload.len == sizes[i]);
    CHECK(sizes[i] == 0 || memcmp(response->payload.data, payload, sizes[i]) == 0);
  }
  free(payload);
  cowbird_free(client);
}

static void a_request_above_the_bound_is_refused_here(void) {
  cowbird_client *client = client_for_tests();
  uint8_t *payload = calloc(1, 4u << 20);
  cowbird_bytes response;
  EXPECT(client, COWBIRD_RESOURCE_EXHAUSTED,
         cowbird_call(client, ECHO, "Unary", payload, 4u << 20, NULL, &response));
  CHECK(strstr(cowbird_error_message(client), "4194304"));
  free(payload);
  EXPECT(client, COWBIRD_OK, cowbird_call(client, ECHO, "Unary", NULL, 0, NULL, &response));
  cowbird_free(client);
}

static void a_status_arrives_with_code_and_message(void) {
  cowbird_client *client = client_for_tests();
  for (int code = 1; code <= 16; code++) {
    Cowbird__V1__EchoRequest request = echo_request("because", 7, 0);
    request.fail_code = code;
    Cowbird__V1__EchoResponse *response;
    EXPECT(client, (cowbird_code)code, cowbird_echo_unary(client, &request, NULL, &response));
    CHECK(cowbird_error_code(client) == (cowbird_code)code);
    CHECK(strstr(cowbird_error_message(client), "because"));
  }
  EXPECT(client, COWBIRD_UNIMPLEMENTED, cowbird_call(client, ECHO, "Nothing", NULL, 0, NULL, NULL));
  EXPECT(client, COWBIRD_UNIMPLEMENTED, cowbird_call(client, "cowbird.v1.No", "Unary", NULL, 0, NULL, NULL));
  EXPECT(client, COWBIRD_INVALID_ARGUMENT, cowbird_call(client, ECHO, "Unary", "\xff\xff", 2, NULL, NULL));
  cowbird_free(client);
}

static void health_tells_that_it_serves(void) {
  cowbird_client *client = client_for_tests();
  Cowbird__V1__HealthCheckRequest request = COWBIRD__V1__HEALTH_CHECK_REQUEST__INIT;
  Cowbird__V1__HealthCheckResponse *response;
  EXPECT(client, COWBIRD_OK, cowbird_health_check(client, &request, NULL, &response));
  CHECK(response->status == COWBIRD__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING_STATUS_SERVING);
  request.service = "no.such.Service";
  EXPECT(client, COWBIRD_NOT_FOUND, cowbird_health_check(client, &request, NULL, &response));
  request.service = "";
  cowbird_stream *watch;
  ProtobufCMessage *message;
  EXPECT(client, COWBIRD_OK, cowbird_health_watch(client, &request, NULL, &watch));
  EXPECT(client, COWBIRD_OK,
         cowbird_stream_receive_message(watch, &cowbird__v1__health_check_response__descriptor, &message));
  CHECK(((Cowbird__V1__HealthCheckResponse *)message)->status ==
        COWBIRD__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING_STATUS_SERVING);
  EXPECT(client, COWBIRD_NOT_YET, cowbird_stream_wait(watch, 0, &(cowbird_bytes){0}));
  cowbird_stream_close(watch);
  cowbird_free(client);
}

static void a_deadline_ends_the_call_and_not_the_connection(void) {
  cowbird_client *client = client_for_tests();
  Cowbird__V1__EchoRequest request = echo_request("x", 1, 0);
  Cowbird__V1__EchoResponse *response;
  static const int64_t timeouts[] = {COWBIRD_MILLISECOND, 7 * COWBIRD_MILLISECOND, 60 * COWBIRD_MILLISECOND};
  for (size_t i = 0; i < 3; i++) {
    request.delay_nanos = (uint64_t)(2 * COWBIRD_SECOND);
    cowbird_call_options soon = {.timeout_nanos = timeouts[i]};
    int64_t begin = now();
    EXPECT(client, COWBIRD_DEADLINE_EXCEEDED, cowbird_echo_unary(client, &request, &soon, &response));
    CHECK(now() - begin >= timeouts[i] * 9 / 10);
    CHECK(now() - begin < COWBIRD_SECOND);
    request.delay_nanos = 0;
    EXPECT(client, COWBIRD_OK, cowbird_echo_unary(client, &request, NULL, &response));
  }
  cowbird_free(client);
}

static void calls_are_collected_in_any_order(void) {
  enum { CALLS = 300 };
  cowbird_client *client = client_for_tests();
  cowbird_ticket tickets[CALLS];
  ProtobufCMessage *message;
  const ProtobufCMessageDescriptor *answer = &cowbird__v1__echo_response__descriptor;
  for (int i = 0; i < CALLS; i++) {
    Cowbird__V1__EchoRequest request = echo_request(&i, sizeof i, (uint64_t)i);
    EXPECT(client, COWBIRD_OK, cowbird_submit_message(client, ECHO, "Unary", &request.base, NULL, &tickets[i]));
  }
  CHECK(cowbird_in_flight(client) == CALLS);
  for (int i = CALLS - 1; i >= 0; i -= 2) {
    EXPECT(client, COWBIRD_OK, cowbird_collect_message(client, tickets[i], answer, &message));
    CHECK(((Cowbird__V1__EchoResponse *)message)->number == (uint64_t)i);
  }
  bool seen[CALLS] = {false};
  for (int i = 0; i < CALLS; i += 2) {
    cowbird_ticket ticket;
    cowbird_bytes bytes;
    EXPECT(client, COWBIRD_OK, cowbird_collect_any(client, &ticket, &bytes));
    int place = 0;
    while (tickets[place] != ticket) CHECK(++place < CALLS);
    CHECK(place % 2 == 0 && !seen[place]);
    seen[place] = true;
  }
  CHECK(cowbird_in_flight(client) == 0);
  cowbird_ticket ticket;
  EXPECT(client, COWBIRD_NOT_FOUND, cowbird_collect_any(client, &ticket, &(cowbird_bytes){0}));
  EXPECT(client, COWBIRD_NOT_FOUND, cowbird_collect(client, tickets[0], NULL));
  cowbird_free(client);
}

static void a_pipeline_larger_than_every_buffer_does_not_stall(void) {
  enum { CALLS = 64, SIZE = 200000 };
  cowbird_client *client = client_for_tests();
  cowbird_ticket tickets[CALLS];
  uint8_t *payload = malloc(SIZE);
  for (int i = 0; i < CALLS; i++) {
    memset(payload, i, SIZE);
    Cowbird__V1__EchoRequest request = echo_request(payload, SIZE, (uint64_t)i);
    EXPECT(client, COWBIRD_OK, cowbird_submit_message(client, ECHO, "Unary", &request.base, NULL, &tickets[i]));
  }
  EXPECT(client, COWBIRD_OK, cowbird_flush(client, 0));
  for (int i = 0; i < CALLS; i++) {
    ProtobufCMessage *message;
    EXPECT(client, COWBIRD_OK,
           cowbird_collect_message(client, tickets[i], &cowbird__v1__echo_response__descriptor, &message));
    Cowbird__V1__EchoResponse *response = (Cowbird__V1__EchoResponse *)message;
    CHECK(response->number == (uint64_t)i && response->payload.len == SIZE);
    CHECK(response->payload.data[0] == i && response->payload.data[SIZE - 1] == i);
  }
  free(payload);
  cowbird_free(client);
}

static void a_cancelled_call_leaves_no_trace(void) {
  cowbird_client *client = client_for_tests();
  Cowbird__V1__EchoRequest request = echo_request("x", 1, 1);
  cowbird_ticket ticket;
  EXPECT(client, COWBIRD_OK, cowbird_submit_message(client, ECHO, "Unary", &request.base, NULL, &ticket));
  cowbird_cancel(client, ticket);
  CHECK(cowbird_in_flight(client) == 0);
  request.number = 2;
  Cowbird__V1__EchoResponse *response;
  EXPECT(client, COWBIRD_OK, cowbird_echo_unary(client, &request, NULL, &response));
  CHECK(response->number == 2);
  cowbird_free(client);
}

static void streams_of_all_three_kinds(void) {
  cowbird_client *client = client_for_tests();
  const ProtobufCMessageDescriptor *answer = &cowbird__v1__echo_response__descriptor;
  ProtobufCMessage *message;
  cowbird_stream *stream;

  EXPECT(client, COWBIRD_OK, cowbird_echo_collect(client, NULL, &stream));
  for (uint64_t i = 0; i < 1000; i++) {
    Cowbird__V1__EchoRequest part = echo_request("abcd", 4, i);
    EXPECT(client, COWBIRD_OK, cowbird_stream_send_message(stream, &part.base));
  }
  EXPECT(client, COWBIRD_OK, cowbird_stream_close_send(stream));
  EXPECT(client, COWBIRD_OK, cowbird_stream_receive_message(stream, answer, &message));
  CHECK(((Cowbird__V1__EchoResponse *)message)->number == 1000);
  CHECK(((Cowbird__V1__EchoResponse *)message)->payload.len == 4000);
  EXPECT(client, COWBIRD_END, cowbird_stream_receive_message(stream, answer, &message));
  cowbird_stream_close(stream);

  Cowbird__V1__EchoRequest request = echo_request("y", 1, 0);
  request.repeat = 2000;
  EXPECT(client, COWBIRD_OK, cowbird_echo_expand(client, &request, NULL, &stream));
  for (uint64_t i = 0; i < 2000; i++) {
    EXPECT(client, COWBIRD_OK, cowbird_stream_receive_message(stream, answer, &message));
    CHECK(((Cowbird__V1__EchoResponse *)message)->number == i);
  }
  EXPECT(client, COWBIRD_END, cowbird_stream_receive_message(stream, answer, &message));
  EXPECT(client, COWBIRD_END, cowbird_stream_receive_message(stream, answer, &message));
  cowbird_stream_close(stream);

  EXPECT(client, COWBIRD_OK, cowbird_echo_chat(client, NULL, &stream));
  for (uint64_t i = 0; i < 100; i++) {
    request.number = i;
    EXPECT(client, COWBIRD_OK, cowbird_stream_send_message(stream, &request.base));
    EXPECT(client, COWBIRD_OK, cowbird_stream_receive_message(stream, answer, &message));
    CHECK(((Cowbird__V1__EchoResponse *)message)->number == i);
  }
  EXPECT(client, COWBIRD_NOT_YET, cowbird_stream_wait(stream, COWBIRD_MILLISECOND, &(cowbird_bytes){0}));
  EXPECT(client, COWBIRD_OK, cowbird_stream_close_send(stream));
  EXPECT(client, COWBIRD_FAILED_PRECONDITION, cowbird_stream_send_message(stream, &request.base));
  EXPECT(client, COWBIRD_END, cowbird_stream_receive_message(stream, answer, &message));
  cowbird_stream_close(stream);
  cowbird_free(client);
}

static void streams_and_calls_run_beside_each_other(void) {
  enum { STREAMS = 7, ROUNDS = 50 };
  cowbird_client *client = client_for_tests();
  cowbird_stream *streams[STREAMS];
  for (int s = 0; s < STREAMS; s++) EXPECT(client, COWBIRD_OK, cowbird_echo_chat(client, NULL, &streams[s]));
  for (int round = 0; round < ROUNDS; round++) {
    for (int s = 0; s < STREAMS; s++) {
      Cowbird__V1__EchoRequest part = echo_request("s", 1, (uint64_t)(round * 10 + s));
      EXPECT(client, COWBIRD_OK, cowbird_stream_send_message(streams[s], &part.base));
    }
    Cowbird__V1__EchoRequest request = echo_request("u", 1, (uint64_t)round);
    Cowbird__V1__EchoResponse *response;
    EXPECT(client, COWBIRD_OK, cowbird_echo_unary(client, &request, NULL, &response));
    CHECK(response->number == (uint64_t)round);
  }
  for (int s = STREAMS - 1; s >= 0; s--) {
    EXPECT(client, COWBIRD_OK, cowbird_stream_close_send(streams[s]));
    ProtobufCMessage *message;
    for (int round = 0; round < ROUNDS; round++) {
      EXPECT(client, COWBIRD_OK,
             cowbird_stream_receive_message(streams[s], &cowbird__v1__echo_response__descriptor, &message));
      CHECK(((Cowbird__V1__EchoResponse *)message)->number == (uint64_t)(round * 10 + s));
    }
    EXPECT(client, COWBIRD_END,
           cowbird_stream_receive_message(streams[s], &cowbird__v1__echo_response__descriptor, &message));
    cowbird_stream_close(streams[s]);
  }
  cowbird_free(client);
}

static void a_stream_has_a_deadline_when_it_is_given_one(void) {
  cowbird_client *client = client_for_tests();
  cowbird_stream *stream;
  cowbird_call_options soon = {.timeout_nanos = 30 * COWBIRD_MILLISECOND};
  EXPECT(client, COWBIRD_OK, cowbird_echo_chat(client, &soon, &stream));
  EXPECT(client, COWBIRD_DEADLINE_EXCEEDED, cowbird_stream_receive(stream, &(cowbird_bytes){0}));
  EXPECT(client, COWBIRD_DEADLINE_EXCEEDED, cowbird_stream_receive(stream, &(cowbird_bytes){0}));
  cowbird_stream_close(stream);
  cowbird_free(client);
}

int main(void) {
  RUN(what_goes_in_comes_out_at_every_size);
  RUN(a_request_above_the_bound_is_refused_here);
  RUN(a_status_arrives_with_code_and_message);
  RUN(health_tells_that_it_serves);
  RUN(a_deadline_ends_the_call_and_not_the_connection);
  RUN(calls_are_collected_in_any_order);
  RUN(a_pipeline_larger_than_every_buffer_does_not_stall);
  RUN(a_cancelled_call_leaves_no_trace);
  RUN(streams_of_all_three_kinds);
  RUN(streams_and_calls_run_beside_each_other);
  RUN(a_stream_has_a_deadline_when_it_is_given_one);
  return 0;
}
