#include "llm/offline_model.h"

#include "async/sleep.h"
#include "llm/offline_rules.h"
#include "llm/offline_script.h"
#include "llm/offline_text.h"

namespace kelpie::llm {
namespace {

constexpr size_t kArgumentPieceBytes = 16;

Error fault_error(const FaultScript& script) {
  const std::string status = std::to_string(script.status);
  switch (script.fault) {
    case OfflineFault::kTimeout:
      return base::deadline_exceeded("the offline model was told not to answer");
    case OfflineFault::kMalformed:
      return base::data_loss("the offline model was told to answer malformed JSON");
    case OfflineFault::kContext:
      return base::out_of_range("the offline model was told that its context window is full");
    case OfflineFault::kCut:
    case OfflineFault::kNone:
      return base::unavailable("the offline model was told to break off");
    case OfflineFault::kStatus:
      break;
  }
  const std::string message = "the offline model was told to fail with status " + status;
  switch (script.status) {
    case 401:
    case 403:
      return {.code = Code::kUnauthenticated, .message = message};
    case 402:
    case 429:
      return base::resource_exhausted(message);
    default:
      return script.status >= 500 ? base::unavailable(message) : base::invalid_argument(message);
  }
}

Task<void> stream_text(async::Loop& loop, const std::string& text, DeltaSink& sink,
                       void (DeltaSink::*on_piece)(std::string_view)) {
  for (const std::string_view piece : word_pieces(text)) {
    (sink.*on_piece)(piece);
    co_await async::yield(loop);
  }
  co_return kOk;
}

Task<void> stream_call(async::Loop& loop, size_t index, const ToolCall& call, DeltaSink& sink) {
  sink.on_tool_call(index, call.id, call.name, "");
  for (const std::string_view piece : word_pieces(call.arguments, kArgumentPieceBytes)) {
    co_await async::yield(loop);
    sink.on_tool_call(index, "", "", piece);
  }
  co_await async::yield(loop);
  co_return kOk;
}

}  // namespace

Task<ChatReply> OfflineModel::complete(ChatRequest request, DeltaSink* sink) {
  const FaultScript fault = parse_fault(last_user_text(request));
  if (fault.fault != OfflineFault::kNone && !fault.times) {
    co_return fault_error(fault);
  }
  ChatReply reply = offline_reply(request);
  co_await async::yield(loop_);
  if (sink != nullptr) {
    co_await stream_text(loop_, reply.reasoning, *sink, &DeltaSink::on_reasoning);
    co_await stream_text(loop_, reply.content, *sink, &DeltaSink::on_text);
    for (size_t i = 0; i < reply.tool_calls.size(); ++i) {
      co_await stream_call(loop_, i, reply.tool_calls[i], *sink);
    }
  }
  co_return reply;
}

}  // namespace kelpie::llm
