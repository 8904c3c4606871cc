// RunWatch: how one reader follows one run: what was committed, and, live, what the model is
// saying.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>

#include "agent/records.h"
#include "async/channel.h"
#include "async/loop.h"
#include "async/task.h"

namespace kelpie::agent {

// A message of the run is committed.
struct MessageCommitted {
  Message message;
};
// Pieces of the assistant message that is being made; its id is the one it will be committed under.
// Live only: a crash may lose them.
struct TextDelta {
  std::string message_id;
  std::string text;
};
struct ReasoningDelta {
  std::string message_id;
  std::string text;
};
struct ToolCallDelta {
  std::string message_id;
  size_t index = 0;
  std::string id;    // with the first piece of a call
  std::string name;  // with the first piece of a call
  std::string arguments;
};
// The run's end is committed: always the last event.
struct RunEnded {
  Run run;
};

using RunEvent = std::variant<MessageCommitted, TextDelta, ReasoningDelta, ToolCallDelta, RunEnded>;

// One Loop. Shared by the agent, which tells, and the reader, which listens; either may go first.
class RunWatch {
 public:
  explicit RunWatch(Loop& loop) : events_(loop, kEventsMax) {}

  // A reader that is too far behind is cut off: it sees the end of the channel without RunEnded.
  void tell(RunEvent event) {
    if (events_.size() >= kEventsMax) {
      events_.close();
      return;
    }
    events_.try_send(std::move(event));
  }
  // No more will come: the agent is gone from this node, or was deleted.
  void close() { events_.close(); }
  // nullopt when closed before the run's end was told.
  Task<std::optional<RunEvent>> next() { return events_.receive(); }

 private:
  static constexpr size_t kEventsMax = 10'000;
  async::Channel<RunEvent> events_;
};

}  // namespace kelpie::agent
