#include "app/actors_command.h"

#include <utility>

#include "codec/url.h"

namespace kelpie::app {
namespace {

constexpr std::string_view kPath = "/v1/kelpie/actors";

// An id may have slashes in it, type and namespace may not.
Result<std::string> actor_path(std::string_view actor) {
  const size_t first = actor.find('/');
  const size_t second = first == actor.npos ? actor.npos : actor.find('/', first + 1);
  if (first == 0 || second == actor.npos || second == first + 1 || second + 1 == actor.size()) {
    return base::invalid_argument("expected an actor as type/namespace/id, got \"" +
                                  std::string(actor) + "\"");
  }
  return std::string(kPath) + "/" + codec::percent_encode(actor.substr(0, first)) + "/" +
         codec::percent_encode(actor.substr(first + 1, second - first - 1)) + "/" +
         codec::percent_encode(actor.substr(second + 1));
}

void add(std::string& query, std::string_view name, std::string_view value) {
  if (!value.empty()) {
    query += (query.empty() ? "?" : "&") + std::string(name) + "=" + codec::percent_encode(value);
  }
}

Result<ActorsRequest> list_request(const ActorsCommand& command) {
  const size_t slash = command.filter.find('/');
  const std::string type = command.filter.substr(0, slash);
  const std::string ns = slash == std::string::npos ? "" : command.filter.substr(slash + 1);
  const bool whole = type.empty() == command.filter.empty() &&
                     (slash == std::string::npos || !ns.empty()) &&
                     ns.find('/') == std::string::npos;
  if (!whole) {
    return base::invalid_argument("expected actors as type or type/namespace, got \"" +
                                  command.filter + "\"");
  }
  std::string query;
  add(query, "stored", command.stored ? "true" : "");
  add(query, "type", type);
  add(query, "namespace", ns);
  add(query, "cursor", command.cursor);
  add(query, "limit", command.limit);
  return ActorsRequest{"GET", std::string(kPath) + query};
}

Result<ActorsRequest> inbox_request(const ActorsCommand& command, const std::string& path) {
  if (!command.retry.empty() && !command.drop.empty()) {
    return base::invalid_argument("expected one of --retry and --drop, got both");
  }
  if (!command.retry.empty()) {
    return ActorsRequest{"POST",
                         path + "/inbox/" + codec::percent_encode(command.retry) + "/retry"};
  }
  if (!command.drop.empty()) {
    return ActorsRequest{"POST", path + "/inbox/" + codec::percent_encode(command.drop) + "/drop"};
  }
  std::string query;
  add(query, "limit", command.limit);
  return ActorsRequest{"GET", path + "/inbox" + query};
}

}  // namespace

Result<ActorsRequest> actors_request(const ActorsCommand& command) {
  if (command.action == ActorsAction::kList) {
    return list_request(command);
  }
  const std::string path = TRY(actor_path(command.actor));
  std::string query;
  switch (command.action) {
    case ActorsAction::kList:
    case ActorsAction::kShow:
      break;
    case ActorsAction::kExplain:
      return ActorsRequest{"GET", path + "/explain"};
    case ActorsAction::kPause:
      return ActorsRequest{"POST", path + "/pause"};
    case ActorsAction::kResume:
      return ActorsRequest{"POST", path + "/resume"};
    case ActorsAction::kDeactivate:
      return ActorsRequest{"POST", path + "/deactivate"};
    case ActorsAction::kInbox:
      return inbox_request(command, path);
    case ActorsAction::kReminders:
      add(query, "limit", command.limit);
      return ActorsRequest{"GET", path + "/reminders" + query};
  }
  return ActorsRequest{"GET", path};
}

}  // namespace kelpie::app
