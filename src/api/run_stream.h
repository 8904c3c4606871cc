// RunStream: a run as server-sent events, in the order that clients expect: an optional ping,
// chunks, the stop reason, usage (or an error event), and `[DONE]`.
#pragma once

#include <boost/json/object.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/run_watch.h"
#include "async/task.h"
#include "net/http.h"
#include "world/rng.h"
#include "world/world.h"

namespace kelpie::api {

struct RunStreamOptions {
  bool stream_tokens = false;
  bool include_pings = true;
  std::vector<std::string> return_types;
};

// Turns a run's events into frames. Pure but for the time that it is told. Frames carry the run's
// id.
class RunFrames {
 public:
  RunFrames(std::string run_id, RunStreamOptions options)
      : run_id_(std::move(run_id)), options_(std::move(options)) {}

  // The bytes to send for an event; empty when the reader did not ask for it. `now_micros` dates
  // pieces that have no record yet.
  std::string frames(const agent::RunEvent& event, int64_t now_micros);
  std::string ping(std::string_view uuid, int64_t now_micros) const;
  // For a run whose events stopped before its end.
  std::string incomplete() const;

 private:
  // The part of a growing message that a piece belongs to, numbered as in the stored message.
  struct Growing {
    std::string message_id;
    size_t parts = 0;
    bool reasoning = false;
    bool text = false;
    std::vector<size_t> calls;  // part number by index of call
  };
  [[nodiscard]] bool selected(std::string_view type) const;
  Growing& growing(const std::string& message_id);
  boost::json::object piece(std::string_view type, const std::string& message_id, size_t part,
                            int64_t now_micros) const;
  std::string on(const agent::MessageCommitted& event);
  std::string on(const agent::TextDelta& event, int64_t now_micros);
  std::string on(const agent::ReasoningDelta& event, int64_t now_micros);
  std::string on(const agent::ToolCallDelta& event, int64_t now_micros);
  std::string on(const agent::RunEnded& event) const;
  std::string failed(std::string_view stop_reason, std::string_view error_type,
                     std::string_view message) const;

  std::string run_id_;
  RunStreamOptions options_;
  Growing growing_;
};

// Pulls events and yields frames; a ping after kSseKeepAlive of silence. One Loop.
class RunStream final : public net::BodySource {
 public:
  RunStream(World& world, world::Rng rng, std::shared_ptr<agent::RunWatch> watch,
            std::string run_id, RunStreamOptions options);
  Task<std::optional<std::string>> next() override;

 private:
  World& world_;
  world::Rng rng_;
  std::shared_ptr<agent::RunWatch> watch_;
  RunFrames frames_;
  bool pings_;
  bool begun_ = false;
  bool ended_ = false;
};

}  // namespace kelpie::api
