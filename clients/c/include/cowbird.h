/*
 * libcowbird: calls the Cowbird daemon over its Unix socket.
 *
 *     cowbird_client *client = cowbird_new(NULL);
 *     Cowbird__V1__Candidate a = COWBIRD__V1__CANDIDATE__INIT, *candidates[] = {&a};
 *     Cowbird__V1__ScoreRequest request = COWBIRD__V1__SCORE_REQUEST__INIT;
 *     Cowbird__V1__ScoreResponse *scores;
 *     a.item = "shoe";
 *     request.user = "ann";
 *     request.candidates = candidates;
 *     request.n_candidates = 1;
 *     cowbird_call_options within = {.timeout_nanos = 20 * COWBIRD_MILLISECOND};
 *     if (cowbird_predict_score(client, &request, &within, &scores) != COWBIRD_OK)
 *       fprintf(stderr, "%s\n", cowbird_error_message(client));
 *     cowbird_free(client);
 *
 * Threads. A handle belongs to one thread at a time; several threads use one handle each. The library has no
 * global state, starts no thread and installs no signal handler; it never raises SIGPIPE.
 *
 * Errors. Every function that can fail returns a `cowbird_code`; the code and a message for people stay in the
 * handle until its next function is called.
 *
 * Memory. Answers point into buffers of the handle: they are valid until the next function that is called with
 * it (or with one of its streams), those that only read the error excepted. Buffers are reused: after warm-up no
 * call allocates. A request may point into an earlier answer, unless the call is repeated (`idempotent`).
 *
 * Time. A timeout covers the whole call: waiting for a connection, sending, the server's work, receiving. It is
 * told to the server and enforced here too.
 */
#ifndef COWBIRD_H
#define COWBIRD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cowbird/v1/echo.pb-c.h"
#include "cowbird/v1/event.pb-c.h"
#include "cowbird/v1/health.pb-c.h"
#include "cowbird/v1/ingest.pb-c.h"
#include "cowbird/v1/predict.pb-c.h"
#include "cowbird/v1/update.pb-c.h"
#include "cowbird/v1/version.pb-c.h"

#ifdef __cplusplus
extern "C" {
#endif

#define COWBIRD_VERSION "0.1.0"

/** The socket that is used when neither the options nor COWBIRD_SOCKET name one. */
#define COWBIRD_DEFAULT_SOCKET "/run/cowbird/cowbird.sock"

#define COWBIRD_MILLISECOND INT64_C(1000000)
#define COWBIRD_SECOND INT64_C(1000000000)

/** A frame carries at most this many bytes: request, service, method and metadata together. */
#define COWBIRD_FRAME_BYTES_MAX (4u << 20)

#if defined(__GNUC__)
#define COWBIRD_API __attribute__((visibility("default")))
#else
#define COWBIRD_API
#endif

/** gRPC's codes, and two answers of streams that are no errors. */
typedef enum cowbird_code {
  /** The wait is over first; the stream goes on. Only `cowbird_stream_wait` and event streams. */
  COWBIRD_NOT_YET = -2,
  /** The server has sent its last message. Only the functions that receive from a stream. */
  COWBIRD_END = -1,
  COWBIRD_OK = 0,
  COWBIRD_CANCELLED = 1,
  COWBIRD_UNKNOWN = 2,
  /** A field or an argument is wrong; the message names it. */
  COWBIRD_INVALID_ARGUMENT = 3,
  /** The time was over first. The server may or may not have done what was asked. */
  COWBIRD_DEADLINE_EXCEEDED = 4,
  COWBIRD_NOT_FOUND = 5,
  COWBIRD_ALREADY_EXISTS = 6,
  COWBIRD_PERMISSION_DENIED = 7,
  /** A bound was met: disk full, a frame that is too large, no memory here. */
  COWBIRD_RESOURCE_EXHAUSTED = 8,
  COWBIRD_FAILED_PRECONDITION = 9,
  COWBIRD_ABORTED = 10,
  COWBIRD_OUT_OF_RANGE = 11,
  /** The server knows no such service or method. */
  COWBIRD_UNIMPLEMENTED = 12,
  /** An answer could not be understood. */
  COWBIRD_INTERNAL = 13,
  /** No connection, or it was lost; the message says whether the call may have been done. */
  COWBIRD_UNAVAILABLE = 14,
  COWBIRD_DATA_LOSS = 15,
  COWBIRD_UNAUTHENTICATED = 16
} cowbird_code;

/** Name of a code, such as "NOT_FOUND"; never NULL. */
COWBIRD_API const char *cowbird_code_name(cowbird_code code);

/* ---------------------------------------------------------------------------------------------- handle */

/** One connection and its buffers. */
typedef struct cowbird_client cowbird_client;

/** How a handle behaves. Start from `{0}`: every zero means the default. */
typedef struct cowbird_options {
  /** Path of the socket; '@' first: an abstract name. NULL: $COWBIRD_SOCKET, then COWBIRD_DEFAULT_SOCKET. */
  const char *socket;
  /** Timeout of calls that name none. 0: none. */
  int64_t timeout_nanos;
  /** Longest wait for a connection, all tries together. 0: 5 s. */
  int64_t connect_timeout_nanos;
  /**
   * True: a lost or refused connection is tried again with exponential backoff (and jitter), until the call's or
   * the connection's timeout. A call whose request had left this process when the connection broke is repeated
   * only if it is `idempotent`. False: one try; a handle whose connection was lost connects anew at its next call.
   */
  bool reconnect;
  /** First pause between tries. 0: 10 ms. */
  int64_t backoff_first_nanos;
  /** Longest pause between tries. 0: 1 s. */
  int64_t backoff_max_nanos;
  /** Most bytes that may wait in the handle for a stream nobody receives from. 0: 64 MiB. */
  size_t stream_buffer_bytes;
} cowbird_options;

/**
 * Makes a handle. It connects at its first call. `options` may be NULL; strings are copied.
 * NULL: no memory. Free it with `cowbird_free`.
 */
COWBIRD_API cowbird_client *cowbird_new(const cowbird_options *options);

/** Closes the connection and frees the handle, its streams and every answer. NULL is allowed. */
COWBIRD_API void cowbird_free(cowbird_client *client);

/** Connects now, if it is not connected. UNAVAILABLE: nobody listens; DEADLINE_EXCEEDED: no answer in time. */
COWBIRD_API cowbird_code cowbird_connect(cowbird_client *client);

/** Closes the connection. Calls in flight end as UNAVAILABLE; the next call connects again. */
COWBIRD_API void cowbird_disconnect(cowbird_client *client);

/**
 * The connection's descriptor, or -1: to wait for answers in a loop of your own. Readable means that
 * `cowbird_collect_any` or `cowbird_stream_wait` has something to do. Do not read, write or close it.
 */
COWBIRD_API int cowbird_descriptor(const cowbird_client *client);

/** Code of the last function that was called with this handle. */
COWBIRD_API cowbird_code cowbird_error_code(const cowbird_client *client);

/** Message of the last error, for people; "" after a success. At most 1,023 bytes. */
COWBIRD_API const char *cowbird_error_message(const cowbird_client *client);

/* ---------------------------------------------------------------------------------------------- calls */

/** Bytes that belong to somebody else. */
typedef struct cowbird_bytes {
  const uint8_t *data;
  size_t size;
} cowbird_bytes;

/** A key and a value that travel beside the message; UTF-8, zero-terminated. */
typedef struct cowbird_metadata {
  const char *key;
  const char *value;
} cowbird_metadata;

/** How one call behaves. Start from `{0}`. Everywhere a pointer to it may be NULL. */
typedef struct cowbird_call_options {
  /** 0: the handle's. Negative: no timeout, whatever the handle's. */
  int64_t timeout_nanos;
  const cowbird_metadata *metadata;
  size_t metadata_count;
  /**
   * True: may be sent again after the connection broke, because doing it twice is the same as once. The typed
   * functions set it for reads. Only with `reconnect`.
   */
  bool idempotent;
} cowbird_call_options;

/**
 * Calls a unary method and waits. `service` is the full name, such as "cowbird.v1.Echo"; `request` is an encoded
 * message of `size` bytes (NULL when 0). `response` (NULL: not wanted) gets the encoded answer.
 * Returns the status of the call, or UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED (too large), INTERNAL.
 */
COWBIRD_API cowbird_code cowbird_call(cowbird_client *client, const char *service, const char *method,
                                      const void *request, size_t size, const cowbird_call_options *options,
                                      cowbird_bytes *response);

/**
 * The same with messages: packs `request`, unpacks the answer as `answer` describes. `*response` belongs to the
 * handle; never free it.
 */
COWBIRD_API cowbird_code cowbird_call_message(cowbird_client *client, const char *service, const char *method,
                                              const ProtobufCMessage *request,
                                              const ProtobufCMessageDescriptor *answer,
                                              const cowbird_call_options *options,
                                              ProtobufCMessage **response);

/** Names a call in flight; never 0. */
typedef uint32_t cowbird_ticket;

/**
 * Puts a call on its way and returns at once: many may be in flight. Requests are gathered and sent when 64 KiB
 * have come together, when something is waited for, or by `cowbird_flush`. Every ticket must be collected
 * or cancelled. A connection that is lost ends the calls in flight as UNAVAILABLE; they are not repeated.
 */
COWBIRD_API cowbird_code cowbird_submit(cowbird_client *client, const char *service, const char *method,
                                        const void *request, size_t size, const cowbird_call_options *options,
                                        cowbird_ticket *ticket);

/** `cowbird_submit` with a message. */
COWBIRD_API cowbird_code cowbird_submit_message(cowbird_client *client, const char *service,
                                                const char *method, const ProtobufCMessage *request,
                                                const cowbird_call_options *options, cowbird_ticket *ticket);

/** Sends what is gathered. Waits, until `timeout_nanos` (0: the handle's, negative: none), for the kernel to take it. */
COWBIRD_API cowbird_code cowbird_flush(cowbird_client *client, int64_t timeout_nanos);

/** Waits for one call, in any order. Returns its status; the ticket is used up. NOT_FOUND: no such ticket. */
COWBIRD_API cowbird_code cowbird_collect(cowbird_client *client, cowbird_ticket ticket, cowbird_bytes *response);

/** `cowbird_collect`, unpacked as `answer` describes. */
COWBIRD_API cowbird_code cowbird_collect_message(cowbird_client *client, cowbird_ticket ticket,
                                                 const ProtobufCMessageDescriptor *answer,
                                                 ProtobufCMessage **response);

/** Waits for whichever call ends next and says which. NOT_FOUND (and ticket 0): none is in flight. */
COWBIRD_API cowbird_code cowbird_collect_any(cowbird_client *client, cowbird_ticket *ticket,
                                             cowbird_bytes *response);

/** Gives a call up: its answer will be dropped. The server is not told (ttrpc cannot) and may do it. */
COWBIRD_API void cowbird_cancel(cowbird_client *client, cowbird_ticket ticket);

/** Number of tickets that are neither collected nor cancelled. */
COWBIRD_API size_t cowbird_in_flight(const cowbird_client *client);

/* ---------------------------------------------------------------------------------------------- streams */

/** A call with many messages one way or both. Belongs to its handle. */
typedef struct cowbird_stream cowbird_stream;

/** Which side sends many messages. */
typedef enum cowbird_stream_kind {
  /** Many requests, one answer: Echo.Collect, Version.Import. */
  COWBIRD_CLIENT_STREAM = 1,
  /** One request, many answers: Echo.Expand, Version.Watch. */
  COWBIRD_SERVER_STREAM = 2,
  /** Many both ways: Echo.Chat, Ingest.Stream. */
  COWBIRD_BOTH_STREAM = 3
} cowbird_stream_kind;

/**
 * Opens a stream. `request` is the one request of a SERVER stream, and NULL for the others. The timeout of the
 * options (or the handle's) is that of the whole stream: pass a negative one for streams without end.
 * Close it with `cowbird_stream_close`. Other calls and streams of the handle go on beside it; messages that
 * come for it meanwhile wait in the handle, up to `stream_buffer_bytes`.
 */
COWBIRD_API cowbird_code cowbird_stream_open(cowbird_client *client, const char *service, const char *method,
                                             cowbird_stream_kind kind, const void *request, size_t size,
                                             const cowbird_call_options *options, cowbird_stream **stream);

/** `cowbird_stream_open` with a message (NULL unless a SERVER stream). */
COWBIRD_API cowbird_code cowbird_stream_open_message(cowbird_client *client, const char *service,
                                                     const char *method, cowbird_stream_kind kind,
                                                     const ProtobufCMessage *request,
                                                     const cowbird_call_options *options,
                                                     cowbird_stream **stream);

/** Sends one encoded message; gathered like `cowbird_submit`. FAILED_PRECONDITION: this side is closed. */
COWBIRD_API cowbird_code cowbird_stream_send(cowbird_stream *stream, const void *message, size_t size);

/** `cowbird_stream_send` with a message. */
COWBIRD_API cowbird_code cowbird_stream_send_message(cowbird_stream *stream, const ProtobufCMessage *message);

/** Says that no more messages will be sent, and sends what is gathered. Receiving goes on. */
COWBIRD_API cowbird_code cowbird_stream_close_send(cowbird_stream *stream);

/** Waits for the next message. END: there are no more, and the call went well. Else: the status of the call. */
COWBIRD_API cowbird_code cowbird_stream_receive(cowbird_stream *stream, cowbird_bytes *message);

/** `cowbird_stream_receive` that waits at most `wait_nanos` (0: does not wait) and then returns NOT_YET. */
COWBIRD_API cowbird_code cowbird_stream_wait(cowbird_stream *stream, int64_t wait_nanos, cowbird_bytes *message);

/** `cowbird_stream_receive`, unpacked as `answer` describes. */
COWBIRD_API cowbird_code cowbird_stream_receive_message(cowbird_stream *stream,
                                                        const ProtobufCMessageDescriptor *answer,
                                                        ProtobufCMessage **message);

/** `cowbird_stream_wait`, unpacked as `answer` describes. */
COWBIRD_API cowbird_code cowbird_stream_wait_message(cowbird_stream *stream, int64_t wait_nanos,
                                                     const ProtobufCMessageDescriptor *answer,
                                                     ProtobufCMessage **message);

/**
 * Forgets the stream; what still comes for it is dropped. If this side is open it is half-closed first. A server
 * that sends without end (Watch) goes on until the handle disconnects: give such a stream a handle of its own.
 */
COWBIRD_API void cowbird_stream_close(cowbird_stream *stream);

/* ---------------------------------------------------------------------------------------------- services */

/*
 * Every unary method of the contract as a function. Messages, fields, units and bounds are described in
 * proto/cowbird/v1 and, field by field, in the generated headers. `*response` belongs to the handle.
 */

/** Is the daemon (or one service) ready? NOT_FOUND: no such service. */
COWBIRD_API cowbird_code cowbird_health_check(cowbird_client *client,
                                              const Cowbird__V1__HealthCheckRequest *request,
                                              const cowbird_call_options *options,
                                              Cowbird__V1__HealthCheckResponse **response);

/** Answers the request's payload and number: to try the way there and back. */
COWBIRD_API cowbird_code cowbird_echo_unary(cowbird_client *client, const Cowbird__V1__EchoRequest *request,
                                            const cowbird_call_options *options,
                                            Cowbird__V1__EchoResponse **response);

/** Logs a batch of events; answers when it is as durable as asked. Refused events are named one by one. */
COWBIRD_API cowbird_code cowbird_ingest_append(cowbird_client *client,
                                               const Cowbird__V1__AppendRequest *request,
                                               const cowbird_call_options *options,
                                               Cowbird__V1__AppendResponse **response);

/** Scores candidates, in the order given. */
COWBIRD_API cowbird_code cowbird_predict_score(cowbird_client *client,
                                               const Cowbird__V1__ScoreRequest *request,
                                               const cowbird_call_options *options,
                                               Cowbird__V1__ScoreResponse **response);

/** The best k items of the whole catalogue. */
COWBIRD_API cowbird_code cowbird_predict_recommend(cowbird_client *client,
                                                   const Cowbird__V1__RecommendRequest *request,
                                                   const cowbird_call_options *options,
                                                   Cowbird__V1__RecommendResponse **response);

/** Why one prediction is what it is: contributions that sum to the logit. */
COWBIRD_API cowbird_code cowbird_predict_explain(cowbird_client *client,
                                                 const Cowbird__V1__ExplainRequest *request,
                                                 const cowbird_call_options *options,
                                                 Cowbird__V1__ExplainResponse **response);

/** Offsets, lag, metrics, drift, hygiene, memory. */
COWBIRD_API cowbird_code cowbird_update_status(cowbird_client *client,
                                               const Cowbird__V1__StatusRequest *request,
                                               const cowbird_call_options *options,
                                               Cowbird__V1__StatusResponse **response);

/** Stops learning; events are still logged. */
COWBIRD_API cowbird_code cowbird_update_pause(cowbird_client *client, const Cowbird__V1__PauseRequest *request,
                                              const cowbird_call_options *options,
                                              Cowbird__V1__ControlResponse **response);

/** Goes on learning after a pause. */
COWBIRD_API cowbird_code cowbird_update_resume(cowbird_client *client,
                                               const Cowbird__V1__ResumeRequest *request,
                                               const cowbird_call_options *options,
                                               Cowbird__V1__ControlResponse **response);

/** Changes settings, all or none. */
COWBIRD_API cowbird_code cowbird_update_configure(cowbird_client *client,
                                                  const Cowbird__V1__ConfigureRequest *request,
                                                  const cowbird_call_options *options,
                                                  Cowbird__V1__ControlResponse **response);

/** Returns when all up to an offset is learned and visible. */
COWBIRD_API cowbird_code cowbird_update_flush(cowbird_client *client, const Cowbird__V1__FlushRequest *request,
                                              const cowbird_call_options *options,
                                              Cowbird__V1__FlushResponse **response);

/** Lists quarantined events, or admits them. */
COWBIRD_API cowbird_code cowbird_update_quarantine(cowbird_client *client,
                                                   const Cowbird__V1__QuarantineRequest *request,
                                                   const cowbird_call_options *options,
                                                   Cowbird__V1__QuarantineResponse **response);

/** Metrics as OpenMetrics text. */
COWBIRD_API cowbird_code cowbird_update_metrics(cowbird_client *client,
                                                const Cowbird__V1__MetricsRequest *request,
                                                const cowbird_call_options *options,
                                                Cowbird__V1__MetricsResponse **response);

/** Keeps the head as a version. */
COWBIRD_API cowbird_code cowbird_version_create(cowbird_client *client,
                                                const Cowbird__V1__CreateRequest *request,
                                                const cowbird_call_options *options,
                                                Cowbird__V1__CreateResponse **response);

/** Versions, newest first, and what is served. */
COWBIRD_API cowbird_code cowbird_version_list(cowbird_client *client, const Cowbird__V1__ListRequest *request,
                                              const cowbird_call_options *options,
                                              Cowbird__V1__ListResponse **response);

/** One version. */
COWBIRD_API cowbird_code cowbird_version_get(cowbird_client *client, const Cowbird__V1__GetRequest *request,
                                             const cowbird_call_options *options,
                                             Cowbird__V1__VersionInfo **response);

/** Points serving at something else. */
COWBIRD_API cowbird_code cowbird_version_switch(cowbird_client *client,
                                                const Cowbird__V1__SwitchRequest *request,
                                                const cowbird_call_options *options,
                                                Cowbird__V1__ChangeResponse **response);

/** Divides the users among versions. */
COWBIRD_API cowbird_code cowbird_version_split(cowbird_client *client, const Cowbird__V1__SplitRequest *request,
                                               const cowbird_call_options *options,
                                               Cowbird__V1__ChangeResponse **response);

/** Lets a second version score the same requests, unseen. */
COWBIRD_API cowbird_code cowbird_version_shadow(cowbird_client *client,
                                                const Cowbird__V1__ShadowRequest *request,
                                                const cowbird_call_options *options,
                                                Cowbird__V1__ChangeResponse **response);

/** Makes or moves a label. */
COWBIRD_API cowbird_code cowbird_version_label(cowbird_client *client, const Cowbird__V1__LabelRequest *request,
                                               const cowbird_call_options *options,
                                               Cowbird__V1__ChangeResponse **response);

/** Removes a label. */
COWBIRD_API cowbird_code cowbird_version_unlabel(cowbird_client *client,
                                                 const Cowbird__V1__UnlabelRequest *request,
                                                 const cowbird_call_options *options,
                                                 Cowbird__V1__ChangeResponse **response);

/** Pins a version against retention, or unpins it. */
COWBIRD_API cowbird_code cowbird_version_pin(cowbird_client *client, const Cowbird__V1__PinRequest *request,
                                             const cowbird_call_options *options,
                                             Cowbird__V1__ChangeResponse **response);

/** Deletes a version. */
COWBIRD_API cowbird_code cowbird_version_delete(cowbird_client *client,
                                                const Cowbird__V1__DeleteRequest *request,
                                                const cowbird_call_options *options,
                                                Cowbird__V1__ChangeResponse **response);

/** Compares two versions. */
COWBIRD_API cowbird_code cowbird_version_diff(cowbird_client *client, const Cowbird__V1__DiffRequest *request,
                                              const cowbird_call_options *options,
                                              Cowbird__V1__DiffResponse **response);

/*
 * Every stream of the contract: opens it; then `cowbird_stream_send_message` and
 * `cowbird_stream_receive_message` with the messages named in the comment.
 */

/** Receives HealthCheckResponse: the state now and at each change. */
COWBIRD_API cowbird_code cowbird_health_watch(cowbird_client *client,
                                              const Cowbird__V1__HealthCheckRequest *request,
                                              const cowbird_call_options *options, cowbird_stream **stream);

/** Sends EchoRequest; receives one EchoResponse. */
COWBIRD_API cowbird_code cowbird_echo_collect(cowbird_client *client, const cowbird_call_options *options,
                                              cowbird_stream **stream);

/** Receives `repeat` EchoResponse. */
COWBIRD_API cowbird_code cowbird_echo_expand(cowbird_client *client, const Cowbird__V1__EchoRequest *request,
                                             const cowbird_call_options *options, cowbird_stream **stream);

/** Sends EchoRequest, receives EchoResponse. */
COWBIRD_API cowbird_code cowbird_echo_chat(cowbird_client *client, const cowbird_call_options *options,
                                           cowbird_stream **stream);

/**
 * Sends StreamRequest, receives StreamResponse. The caller keeps to the credits; `cowbird_event_stream_new` does that,
 * and resumes.
 */
COWBIRD_API cowbird_code cowbird_ingest_stream(cowbird_client *client, const cowbird_call_options *options,
                                               cowbird_stream **stream);

/* ------------------------------------------------------------------------- events that survive reconnects */

/**
 * A stream of events into the log that goes on where it stood, whatever happens to the connection or the daemon.
 * Events are numbered on after what the log holds of their producer, held here until they are acknowledged, and after
 * a lost connection sent again from where the log stands: nothing is lost and nothing doubled, also when the daemon
 * was killed meanwhile. No thread is behind it: it works, and reconnects with the handle's backoff (whether or not
 * `reconnect` is set), while its functions run. Belongs to its handle, whose other calls go on beside it.
 */
typedef struct cowbird_event_stream cowbird_event_stream;

/** Start from `{0}` and name a producer: every other zero means the default. */
typedef struct cowbird_event_stream_options {
  /** Who numbers the events; at most 256 bytes. One process at a time may send as a producer. */
  const char *producer;
  /** What an acknowledgement means. 0: DURABLE. */
  Cowbird__V1__Durability durability;
  /**
   * Events gathered before they leave by themselves. 0: 500. At most 100,000; a daemon refuses larger batches than
   * its `limits.batch_events` says (default: 10,000).
   */
  size_t batch;
  /** Bytes of events that may be held here; more have to wait. 0: 64 MiB. */
  size_t held_bytes_max;
  /**
   * Called with each event that the daemon refuses, which it will not see again; must not call the library. (One
   * refused just before the connection broke may go untold.) NULL: only counted.
   */
  void (*refused)(void *context, const Cowbird__V1__Event *event, const Cowbird__V1__Refusal *refusal);
  void *context;
} cowbird_event_stream_options;

/** How far a stream is. */
typedef struct cowbird_event_progress {
  /** Events taken by `send`; of them: those that the log holds or has refused. The others are held here. */
  uint64_t sent, acknowledged;
  /** Of the acknowledged: refused, and held by the log already before they came. */
  uint64_t refused, duplicates;
  /** Highest log offset acknowledged: `min_offset` to read your own writes. */
  uint64_t offset;
  /** The number of the next event that has none; 0 before the daemon was reached. */
  uint64_t next_sequence;
  /** How often the stream was opened again. */
  uint64_t reconnects;
  /** Bytes of the events held here. */
  size_t held_bytes;
} cowbird_event_progress;

/** Makes a stream; it connects at the first `send`. INVALID_ARGUMENT: no producer, or a batch out of bounds. */
COWBIRD_API cowbird_code cowbird_event_stream_new(cowbird_client *client, const cowbird_event_stream_options *options,
                                                  cowbird_event_stream **stream);

/**
 * Takes an event, copied; OK means that it is held here. One without `sequence` gets the next number, one with it must
 * be above those before; `sequence` (may be NULL) receives it. Waits at most `wait_nanos` (0: not at all, negative:
 * as long as it takes) while as much as allowed is held, or before the daemon was reached for the first time: NOT_YET
 * when that time is over, and the event was not taken. Any other code is why the daemon does not take events; what is
 * held stays held, and the next call tries again.
 */
COWBIRD_API cowbird_code cowbird_event_stream_send(cowbird_event_stream *stream, const Cowbird__V1__Event *event,
                                                   int64_t wait_nanos, uint64_t *sequence);

/**
 * Sends all that is held and waits until it is acknowledged, at most `wait_nanos` (0: does what can be done without
 * waiting; negative: as long as it takes). NOT_YET: some is not; the message says what it waits for.
 */
COWBIRD_API cowbird_code cowbird_event_stream_flush(cowbird_event_stream *stream, int64_t wait_nanos);

/** How far the stream is. */
COWBIRD_API cowbird_event_progress cowbird_event_stream_progress(const cowbird_event_stream *stream);

/** Ends the stream, before its handle is freed. What is held is dropped: flush first. NULL is allowed. */
COWBIRD_API void cowbird_event_stream_free(cowbird_event_stream *stream);

/** Receives RunProgress. */
COWBIRD_API cowbird_code cowbird_update_run(cowbird_client *client, const Cowbird__V1__RunRequest *request,
                                            const cowbird_call_options *options, cowbird_stream **stream);

/** Receives RollbackProgress. */
COWBIRD_API cowbird_code cowbird_version_rollback(cowbird_client *client,
                                                  const Cowbird__V1__RollbackRequest *request,
                                                  const cowbird_call_options *options, cowbird_stream **stream);

/** Receives ExportChunk. */
COWBIRD_API cowbird_code cowbird_version_export(cowbird_client *client,
                                                const Cowbird__V1__ExportRequest *request,
                                                const cowbird_call_options *options, cowbird_stream **stream);

/** Sends ImportChunk; receives one VersionInfo. */
COWBIRD_API cowbird_code cowbird_version_import(cowbird_client *client, const cowbird_call_options *options,
                                                cowbird_stream **stream);

/** Receives WatchEvent. */
COWBIRD_API cowbird_code cowbird_version_watch(cowbird_client *client, const Cowbird__V1__WatchRequest *request,
                                               const cowbird_call_options *options, cowbird_stream **stream);

#ifdef __cplusplus
}
#endif

#endif
