/*
 * Lines into the log, each once, whatever happens to the connection or the daemon meanwhile.
 *
 *     event_stream SOCKET PRODUCER < clicks        a line: user item
 *
 * Started again with the same producer and the same input it goes on where the log stands: a line's number is its
 * event's sequence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cowbird.h"

static int64_t unix_nanos(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec * COWBIRD_SECOND + time.tv_nsec;
}

static void say_refused(void *context, const Cowbird__V1__Event *event, const Cowbird__V1__Refusal *refusal) {
  (void)context;
  fprintf(stderr, "line %llu: %s: %s\n", (unsigned long long)event->sequence, refusal->field, refusal->reason);
}

static int fail(cowbird_client *client, cowbird_code code) {
  fprintf(stderr, "event_stream: %s: %s\n", cowbird_code_name(code), cowbird_error_message(client));
  return 1;
}

int main(int count, char **arguments) {
  if (count != 3) return fprintf(stderr, "event_stream SOCKET PRODUCER < clicks\n"), 2;
  cowbird_options options = {.socket = arguments[1]};
  cowbird_client *client = cowbird_new(&options);
  cowbird_event_stream_options of_stream = {.producer = arguments[2], .refused = say_refused};
  cowbird_event_stream *stream;
  if (!client) return 1;
  cowbird_code code = cowbird_event_stream_new(client, &of_stream, &stream);
  if (code != COWBIRD_OK) return fail(client, code);

  static char line[1024];
  uint64_t number = 0, sent_before = 0;
  while (fgets(line, sizeof line, stdin)) {
    Cowbird__V1__Interaction interaction = COWBIRD__V1__INTERACTION__INIT;
    Cowbird__V1__Event event = COWBIRD__V1__EVENT__INIT;
    interaction.type = (char *)"click";
    interaction.user = strtok(line, " \n");
    interaction.item = strtok(NULL, " \n");
    if (!interaction.user || !interaction.item) return fprintf(stderr, "line %llu: user item\n", (unsigned long long)number + 1), 2;
    event.kind_case = COWBIRD__V1__EVENT__KIND_INTERACTION;
    event.interaction = &interaction;
    event.time_nanos = unix_nanos();
    event.sequence = ++number;
    /* -1: for as long as the daemon is away and as much as allowed is held. */
    code = cowbird_event_stream_send(stream, &event, -1, NULL);
    if (code == COWBIRD_INVALID_ARGUMENT && number < cowbird_event_stream_progress(stream).next_sequence) {
      sent_before++; /* the log holds this line from an earlier run */
      continue;
    }
    if (code != COWBIRD_OK) return fail(client, code);
  }
  code = cowbird_event_stream_flush(stream, -1);
  if (code != COWBIRD_OK) return fail(client, code);
  cowbird_event_progress progress = cowbird_event_stream_progress(stream);
  printf("%llu lines sent, %llu known from before, %llu refused, %llu duplicates, %llu reconnects\n",
         (unsigned long long)progress.sent, (unsigned long long)sent_before, (unsigned long long)progress.refused,
         (unsigned long long)progress.duplicates, (unsigned long long)progress.reconnects);
  cowbird_event_stream_free(stream);
  cowbird_free(client);
  return 0;
}
