// Every message of the contract, for Swift. Made by scripts/proto; do not edit.

package import CMessages

extension Cowbird__V1__EchoRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__echo_request__init)
  package static var empty: Self { initialised(cowbird__v1__echo_request__init) }
}

extension Cowbird__V1__EchoResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__echo_response__init)
  package static var empty: Self { initialised(cowbird__v1__echo_response__init) }
}

extension Cowbird__V1__Event: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__event__init)
  package static var empty: Self { initialised(cowbird__v1__event__init) }
}

extension Cowbird__V1__Interaction: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__interaction__init)
  package static var empty: Self { initialised(cowbird__v1__interaction__init) }
}

extension Cowbird__V1__Impressions: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__impressions__init)
  package static var empty: Self { initialised(cowbird__v1__impressions__init) }
}

extension Cowbird__V1__Impression: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__impression__init)
  package static var empty: Self { initialised(cowbird__v1__impression__init) }
}

extension Cowbird__V1__Attribute: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__attribute__init)
  package static var empty: Self { initialised(cowbird__v1__attribute__init) }
}

extension Cowbird__V1__TextList: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__text_list__init)
  package static var empty: Self { initialised(cowbird__v1__text_list__init) }
}

extension Cowbird__V1__NumberList: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__number_list__init)
  package static var empty: Self { initialised(cowbird__v1__number_list__init) }
}

extension Cowbird__V1__EntityChange: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__entity_change__init)
  package static var empty: Self { initialised(cowbird__v1__entity_change__init) }
}

extension Cowbird__V1__Retraction: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__retraction__init)
  package static var empty: Self { initialised(cowbird__v1__retraction__init) }
}

extension Cowbird__V1__HealthCheckRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__health_check_request__init)
  package static var empty: Self { initialised(cowbird__v1__health_check_request__init) }
}

extension Cowbird__V1__HealthCheckResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__health_check_response__init)
  package static var empty: Self { initialised(cowbird__v1__health_check_response__init) }
}

extension Cowbird__V1__AppendRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__append_request__init)
  package static var empty: Self { initialised(cowbird__v1__append_request__init) }
}

extension Cowbird__V1__Refusal: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__refusal__init)
  package static var empty: Self { initialised(cowbird__v1__refusal__init) }
}

extension Cowbird__V1__AppendResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__append_response__init)
  package static var empty: Self { initialised(cowbird__v1__append_response__init) }
}

extension Cowbird__V1__StreamRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__stream_request__init)
  package static var empty: Self { initialised(cowbird__v1__stream_request__init) }
}

extension Cowbird__V1__StreamResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__stream_response__init)
  package static var empty: Self { initialised(cowbird__v1__stream_response__init) }
}

extension Cowbird__V1__VersionSelector: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__version_selector__init)
  package static var empty: Self { initialised(cowbird__v1__version_selector__init) }
}

extension Cowbird__V1__ModelReference: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__model_reference__init)
  package static var empty: Self { initialised(cowbird__v1__model_reference__init) }
}

extension Cowbird__V1__Freshness: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__freshness__init)
  package static var empty: Self { initialised(cowbird__v1__freshness__init) }
}

extension Cowbird__V1__Candidate: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__candidate__init)
  package static var empty: Self { initialised(cowbird__v1__candidate__init) }
}

extension Cowbird__V1__ScoreRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__score_request__init)
  package static var empty: Self { initialised(cowbird__v1__score_request__init) }
}

extension Cowbird__V1__ScoreResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__score_response__init)
  package static var empty: Self { initialised(cowbird__v1__score_response__init) }
}

extension Cowbird__V1__Filter__All: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__filter__all__init)
  package static var empty: Self { initialised(cowbird__v1__filter__all__init) }
}

extension Cowbird__V1__Filter__Any: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__filter__any__init)
  package static var empty: Self { initialised(cowbird__v1__filter__any__init) }
}

extension Cowbird__V1__Filter__In: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__filter__in__init)
  package static var empty: Self { initialised(cowbird__v1__filter__in__init) }
}

extension Cowbird__V1__Filter__Range: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__filter__range__init)
  package static var empty: Self { initialised(cowbird__v1__filter__range__init) }
}

extension Cowbird__V1__Filter: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__filter__init)
  package static var empty: Self { initialised(cowbird__v1__filter__init) }
}

extension Cowbird__V1__AttributeLimit: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__attribute_limit__init)
  package static var empty: Self { initialised(cowbird__v1__attribute_limit__init) }
}

extension Cowbird__V1__Boost: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__boost__init)
  package static var empty: Self { initialised(cowbird__v1__boost__init) }
}

extension Cowbird__V1__Exploration: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__exploration__init)
  package static var empty: Self { initialised(cowbird__v1__exploration__init) }
}

extension Cowbird__V1__RecommendRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__recommend_request__init)
  package static var empty: Self { initialised(cowbird__v1__recommend_request__init) }
}

extension Cowbird__V1__Recommendation: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__recommendation__init)
  package static var empty: Self { initialised(cowbird__v1__recommendation__init) }
}

extension Cowbird__V1__RecommendResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__recommend_response__init)
  package static var empty: Self { initialised(cowbird__v1__recommend_response__init) }
}

extension Cowbird__V1__ExplainRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__explain_request__init)
  package static var empty: Self { initialised(cowbird__v1__explain_request__init) }
}

extension Cowbird__V1__Contribution: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__contribution__init)
  package static var empty: Self { initialised(cowbird__v1__contribution__init) }
}

extension Cowbird__V1__ExplainResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__explain_response__init)
  package static var empty: Self { initialised(cowbird__v1__explain_response__init) }
}

extension Cowbird__V1__Metric: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__metric__init)
  package static var empty: Self { initialised(cowbird__v1__metric__init) }
}

extension Cowbird__V1__Counter: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__counter__init)
  package static var empty: Self { initialised(cowbird__v1__counter__init) }
}

extension Cowbird__V1__DriftSignal: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__drift_signal__init)
  package static var empty: Self { initialised(cowbird__v1__drift_signal__init) }
}

extension Cowbird__V1__StatusRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__status_request__init)
  package static var empty: Self { initialised(cowbird__v1__status_request__init) }
}

extension Cowbird__V1__StatusResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__status_response__init)
  package static var empty: Self { initialised(cowbird__v1__status_response__init) }
}

extension Cowbird__V1__PauseRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__pause_request__init)
  package static var empty: Self { initialised(cowbird__v1__pause_request__init) }
}

extension Cowbird__V1__ResumeRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__resume_request__init)
  package static var empty: Self { initialised(cowbird__v1__resume_request__init) }
}

extension Cowbird__V1__ControlResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__control_response__init)
  package static var empty: Self { initialised(cowbird__v1__control_response__init) }
}

extension Cowbird__V1__ConfigureRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__configure_request__init)
  package static var empty: Self { initialised(cowbird__v1__configure_request__init) }
}

extension Cowbird__V1__Setting: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__setting__init)
  package static var empty: Self { initialised(cowbird__v1__setting__init) }
}

extension Cowbird__V1__SettingsRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__settings_request__init)
  package static var empty: Self { initialised(cowbird__v1__settings_request__init) }
}

extension Cowbird__V1__SettingsResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__settings_response__init)
  package static var empty: Self { initialised(cowbird__v1__settings_response__init) }
}

extension Cowbird__V1__SettingInForce: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__setting_in_force__init)
  package static var empty: Self { initialised(cowbird__v1__setting_in_force__init) }
}

extension Cowbird__V1__FlushRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__flush_request__init)
  package static var empty: Self { initialised(cowbird__v1__flush_request__init) }
}

extension Cowbird__V1__FlushResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__flush_response__init)
  package static var empty: Self { initialised(cowbird__v1__flush_response__init) }
}

extension Cowbird__V1__QuarantineRequest__List: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__quarantine_request__list__init)
  package static var empty: Self { initialised(cowbird__v1__quarantine_request__list__init) }
}

extension Cowbird__V1__QuarantineRequest__Admit: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__quarantine_request__admit__init)
  package static var empty: Self { initialised(cowbird__v1__quarantine_request__admit__init) }
}

extension Cowbird__V1__QuarantineRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__quarantine_request__init)
  package static var empty: Self { initialised(cowbird__v1__quarantine_request__init) }
}

extension Cowbird__V1__QuarantinedEvent: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__quarantined_event__init)
  package static var empty: Self { initialised(cowbird__v1__quarantined_event__init) }
}

extension Cowbird__V1__QuarantineResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__quarantine_response__init)
  package static var empty: Self { initialised(cowbird__v1__quarantine_response__init) }
}

extension Cowbird__V1__RunRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__run_request__init)
  package static var empty: Self { initialised(cowbird__v1__run_request__init) }
}

extension Cowbird__V1__RunProgress: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__run_progress__init)
  package static var empty: Self { initialised(cowbird__v1__run_progress__init) }
}

extension Cowbird__V1__MetricsRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__metrics_request__init)
  package static var empty: Self { initialised(cowbird__v1__metrics_request__init) }
}

extension Cowbird__V1__MetricsResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__metrics_response__init)
  package static var empty: Self { initialised(cowbird__v1__metrics_response__init) }
}

extension Cowbird__V1__VersionInfo: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__version_info__init)
  package static var empty: Self { initialised(cowbird__v1__version_info__init) }
}

extension Cowbird__V1__CreateRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__create_request__init)
  package static var empty: Self { initialised(cowbird__v1__create_request__init) }
}

extension Cowbird__V1__CreateResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__create_response__init)
  package static var empty: Self { initialised(cowbird__v1__create_response__init) }
}

extension Cowbird__V1__ListRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__list_request__init)
  package static var empty: Self { initialised(cowbird__v1__list_request__init) }
}

extension Cowbird__V1__ListResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__list_response__init)
  package static var empty: Self { initialised(cowbird__v1__list_response__init) }
}

extension Cowbird__V1__GetRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__get_request__init)
  package static var empty: Self { initialised(cowbird__v1__get_request__init) }
}

extension Cowbird__V1__ChangeResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__change_response__init)
  package static var empty: Self { initialised(cowbird__v1__change_response__init) }
}

extension Cowbird__V1__SwitchRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__switch_request__init)
  package static var empty: Self { initialised(cowbird__v1__switch_request__init) }
}

extension Cowbird__V1__SplitArm: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__split_arm__init)
  package static var empty: Self { initialised(cowbird__v1__split_arm__init) }
}

extension Cowbird__V1__SplitRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__split_request__init)
  package static var empty: Self { initialised(cowbird__v1__split_request__init) }
}

extension Cowbird__V1__ShadowRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__shadow_request__init)
  package static var empty: Self { initialised(cowbird__v1__shadow_request__init) }
}

extension Cowbird__V1__EventFilter: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__event_filter__init)
  package static var empty: Self { initialised(cowbird__v1__event_filter__init) }
}

extension Cowbird__V1__RollbackRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__rollback_request__init)
  package static var empty: Self { initialised(cowbird__v1__rollback_request__init) }
}

extension Cowbird__V1__RollbackProgress: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__rollback_progress__init)
  package static var empty: Self { initialised(cowbird__v1__rollback_progress__init) }
}

extension Cowbird__V1__ForgetRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__forget_request__init)
  package static var empty: Self { initialised(cowbird__v1__forget_request__init) }
}

extension Cowbird__V1__ForgetProgress: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__forget_progress__init)
  package static var empty: Self { initialised(cowbird__v1__forget_progress__init) }
}

extension Cowbird__V1__LabelRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__label_request__init)
  package static var empty: Self { initialised(cowbird__v1__label_request__init) }
}

extension Cowbird__V1__UnlabelRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__unlabel_request__init)
  package static var empty: Self { initialised(cowbird__v1__unlabel_request__init) }
}

extension Cowbird__V1__PinRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__pin_request__init)
  package static var empty: Self { initialised(cowbird__v1__pin_request__init) }
}

extension Cowbird__V1__DeleteRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__delete_request__init)
  package static var empty: Self { initialised(cowbird__v1__delete_request__init) }
}

extension Cowbird__V1__DiffRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__diff_request__init)
  package static var empty: Self { initialised(cowbird__v1__diff_request__init) }
}

extension Cowbird__V1__MetricDelta: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__metric_delta__init)
  package static var empty: Self { initialised(cowbird__v1__metric_delta__init) }
}

extension Cowbird__V1__FeatureDelta: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__feature_delta__init)
  package static var empty: Self { initialised(cowbird__v1__feature_delta__init) }
}

extension Cowbird__V1__TopChange: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__top_change__init)
  package static var empty: Self { initialised(cowbird__v1__top_change__init) }
}

extension Cowbird__V1__DiffResponse: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__diff_response__init)
  package static var empty: Self { initialised(cowbird__v1__diff_response__init) }
}

extension Cowbird__V1__ExportRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__export_request__init)
  package static var empty: Self { initialised(cowbird__v1__export_request__init) }
}

extension Cowbird__V1__ExportChunk: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__export_chunk__init)
  package static var empty: Self { initialised(cowbird__v1__export_chunk__init) }
}

extension Cowbird__V1__ImportChunk: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__import_chunk__init)
  package static var empty: Self { initialised(cowbird__v1__import_chunk__init) }
}

extension Cowbird__V1__WatchRequest: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__watch_request__init)
  package static var empty: Self { initialised(cowbird__v1__watch_request__init) }
}

extension Cowbird__V1__WatchEvent: WireMessage {
  package static let descriptor = descriptorOf(cowbird__v1__watch_event__init)
  package static var empty: Self { initialised(cowbird__v1__watch_event__init) }
}
