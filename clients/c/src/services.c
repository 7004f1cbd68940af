/* The contract's methods as functions: names and message types, and which of them only read. */
#include "internal.h"

static cowbird_call_options read_options(const cowbird_call_options *options) {
  cowbird_call_options read = options ? *options : (cowbird_call_options){0};
  read.idempotent = true;
  return read;
}

static cowbird_code call_read(cowbird_client *client, const char *service, const char *method,
                              const ProtobufCMessage *request, const ProtobufCMessageDescriptor *answer,
                              const cowbird_call_options *options, ProtobufCMessage **response) {
  cowbird_call_options read = read_options(options);
  return cowbird_call_message(client, service, method, request, answer, &read, response);
}

#define UNARY(call, function, service, method, Request, Response, response_descriptor)                       \
  cowbird_code function(cowbird_client *client, const Cowbird__V1__##Request *request,                       \
                        const cowbird_call_options *options, Cowbird__V1__##Response **response) {           \
    ProtobufCMessage *message = NULL;                                                                        \
    cowbird_code code = call(client, "cowbird.v1." service, method, &request->base,                          \
                             &cowbird__v1__##response_descriptor##__descriptor, options, &message);          \
    if (code == COWBIRD_OK) *response = (Cowbird__V1__##Response *)message;                                  \
    return code;                                                                                             \
  }
#define READ(...) UNARY(call_read, __VA_ARGS__)
#define WRITE(...) UNARY(cowbird_call_message, __VA_ARGS__)

READ(cowbird_health_check, "Health", "Check", HealthCheckRequest, HealthCheckResponse, health_check_response)
READ(cowbird_echo_unary, "Echo", "Unary", EchoRequest, EchoResponse, echo_response)

WRITE(cowbird_ingest_append, "Ingest", "Append", AppendRequest, AppendResponse, append_response)

READ(cowbird_predict_score, "Predict", "Score", ScoreRequest, ScoreResponse, score_response)
READ(cowbird_predict_recommend, "Predict", "Recommend", RecommendRequest, RecommendResponse, recommend_response)
READ(cowbird_predict_explain, "Predict", "Explain", ExplainRequest, ExplainResponse, explain_response)

READ(cowbird_update_status, "Update", "Status", StatusRequest, StatusResponse, status_response)
WRITE(cowbird_update_pause, "Update", "Pause", PauseRequest, ControlResponse, control_response)
WRITE(cowbird_update_resume, "Update", "Resume", ResumeRequest, ControlResponse, control_response)
WRITE(cowbird_update_configure, "Update", "Configure", ConfigureRequest, ControlResponse, control_response)
READ(cowbird_update_flush, "Update", "Flush", FlushRequest, FlushResponse, flush_response)
WRITE(cowbird_update_quarantine, "Update", "Quarantine", QuarantineRequest, QuarantineResponse,
      quarantine_response)
READ(cowbird_update_metrics, "Update", "Metrics", MetricsRequest, MetricsResponse, metrics_response)

WRITE(cowbird_version_create, "Version", "Create", CreateRequest, CreateResponse, create_response)
READ(cowbird_version_list, "Version", "List", ListRequest, ListResponse, list_response)
READ(cowbird_version_get, "Version", "Get", GetRequest, VersionInfo, version_info)
WRITE(cowbird_version_switch, "Version", "Switch", SwitchRequest, ChangeResponse, change_response)
WRITE(cowbird_version_split, "Version", "Split", SplitRequest, ChangeResponse, change_response)
WRITE(cowbird_version_shadow, "Version", "Shadow", ShadowRequest, ChangeResponse, change_response)
WRITE(cowbird_version_label, "Version", "Label", LabelRequest, ChangeResponse, change_response)
WRITE(cowbird_version_unlabel, "Version", "Unlabel", UnlabelRequest, ChangeResponse, change_response)
WRITE(cowbird_version_pin, "Version", "Pin", PinRequest, ChangeResponse, change_response)
WRITE(cowbird_version_delete, "Version", "Delete", DeleteRequest, ChangeResponse, change_response)
READ(cowbird_version_diff, "Version", "Diff", DiffRequest, DiffResponse, diff_response)

#define SERVER_STREAM(function, service, method, Request)                                                    \
  cowbird_code function(cowbird_client *client, const Cowbird__V1__##Request *request,                       \
                        const cowbird_call_options *options, cowbird_stream **stream) {                      \
    return cowbird_stream_open_message(client, "cowbird.v1." service, method, COWBIRD_SERVER_STREAM,         \
                                       &request->base, options, stream);                                     \
  }
#define OPEN_STREAM(function, service, method, kind)                                                         \
  cowbird_code function(cowbird_client *client, const cowbird_call_options *options,                         \
                        cowbird_stream **stream) {                                                           \
    return cowbird_stream_open_message(client, "cowbird.v1." service, method, kind, NULL, options, stream);  \
  }

SERVER_STREAM(cowbird_health_watch, "Health", "Watch", HealthCheckRequest)
OPEN_STREAM(cowbird_echo_collect, "Echo", "Collect", COWBIRD_CLIENT_STREAM)
SERVER_STREAM(cowbird_echo_expand, "Echo", "Expand", EchoRequest)
OPEN_STREAM(cowbird_echo_chat, "Echo", "Chat", COWBIRD_BOTH_STREAM)
OPEN_STREAM(cowbird_ingest_stream, "Ingest", "Stream", COWBIRD_BOTH_STREAM)
SERVER_STREAM(cowbird_update_run, "Update", "Run", RunRequest)
SERVER_STREAM(cowbird_version_rollback, "Version", "Rollback", RollbackRequest)
SERVER_STREAM(cowbird_version_export, "Version", "Export", ExportRequest)
OPEN_STREAM(cowbird_version_import, "Version", "Import", COWBIRD_CLIENT_STREAM)
SERVER_STREAM(cowbird_version_watch, "Version", "Watch", WatchRequest)
