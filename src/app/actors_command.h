// The verb `actors`: what it asks the server. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kelpie::app {

enum class ActorsAction : uint8_t {
  kList,
  kShow,
  kExplain,
  kPause,
  kResume,
  kDeactivate,
  kInbox,
  kReminders,
};

// As it was typed.
struct ActorsCommand {
  ActorsAction action = ActorsAction::kList;
  std::string actor;    // all but list: type/namespace/id
  std::string filter;   // list: empty, `type` or `type/namespace`
  bool stored = false;  // list
  std::string cursor;   // list
  std::string retry;    // inbox: the stamp of a parked message
  std::string drop;     // inbox: the same
  std::string limit;    // list, inbox, reminders
  bool json = false;    // the server's answer as it is
  std::string server;   // empty: where the configuration says that it listens
};

struct ActorsRequest {
  std::string method;
  std::string target;  // path and query
  bool operator==(const ActorsRequest&) const = default;
};
// invalid_argument says what was expected.
Result<ActorsRequest> actors_request(const ActorsCommand& command);

}  // namespace kelpie::app
