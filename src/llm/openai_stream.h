// StreamAssembler: puts the chunks of a streamed chat completion together.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "llm/model.h"

namespace kelpie::llm {

// Pure but for the sink, which it tells of each piece as it comes, and which outlives it.
class StreamAssembler {
 public:
  // `id_prefix`: for calls without an id, as in decode_reply.
  StreamAssembler(DeltaSink& sink, std::string id_prefix)
      : sink_(sink), id_prefix_(std::move(id_prefix)) {}

  // The data of one server-sent event, `[DONE]` included. `data_loss` when it is not JSON, or the
  // error that it carries.
  Result<void> on_data(ByteView data);

  // The server said that nothing follows.
  [[nodiscard]] bool ended() const { return ended_; }
  // All of the reply is there, though its usage may still follow.
  [[nodiscard]] bool complete() const { return ended_ || finish_reason_.has_value(); }
  // The sink has heard something: the request must not be made again.
  [[nodiscard]] bool emitted() const { return emitted_; }
  [[nodiscard]] bool has_usage() const { return has_usage_; }

  // The reply; `unavailable` when it is not complete.
  Result<ChatReply> finish();

 private:
  void on_delta(const boost::json::object& delta);
  void on_call_fragment(const boost::json::object& fragment);
  size_t call_index(const boost::json::object& fragment);

  struct Partial {
    ToolCall call;
    std::optional<int64_t> index;  // the server's
    bool announced = false;
  };
  DeltaSink& sink_;
  std::string id_prefix_;
  ChatReply reply_;
  std::vector<Partial> calls_;
  std::optional<FinishReason> finish_reason_;
  bool ended_ = false;
  bool emitted_ = false;
  bool has_usage_ = false;
};

}  // namespace kelpie::llm
