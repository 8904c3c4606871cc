// DirectoryStore: MCP servers, agent groups, identities, projects and jobs, over one transaction.
// They are kept alike: a name, fields as JSON, and agents that they name.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/record_io.h"
#include "agent/record_table.h"
#include "async/task.h"
#include "base/result.h"

namespace kelpie::agent {

enum class EntryKind : uint8_t { kMcpServer, kGroup, kIdentity, kProject, kJob };
// As keys and errors have it: `mcp_server`, `group`, ...
std::string_view kind_name(EntryKind kind);

inline constexpr size_t kAgentsPerEntryMax = 1'000;

struct Entry {
  std::string id;
  std::string name;  // need not be unique; may be empty
  boost::json::object fields;
  std::vector<std::string> agent_ids;  // in the entry's own order, each once
  int64_t created_micros = 0;
  int64_t updated_micros = 0;

  [[nodiscard]] int64_t index_micros() const { return created_micros; }
  [[nodiscard]] const std::string& index_name() const { return name; }
  [[nodiscard]] Bytes encode() const;
  static Result<Entry> decode(ByteView bytes);
};

// What names an agent.
struct Membership {
  std::string kind;
  std::string id;
  bool operator==(const Membership&) const = default;
};

// Lives no longer than its transaction.
//
// For each agent that an entry names there is a key under the agent's prefix. Deleting the agent
// clears that and leaves the entry as it is, so an entry may name agents that are gone, and
// `live_agents` are those of which the key is there. An agent that is created anew under the same
// id is not in what named the former one.
class DirectoryStore {
 public:
  explicit DirectoryStore(RecordIo io) : io_(io) {}

  Task<std::optional<Entry>> get(EntryKind kind, std::string id);
  // Ids of the entries of that name.
  Task<std::vector<std::string>> named(EntryKind kind, std::string name);
  // Writes an entry, also over itself, and yields it as it was written: without the agents that it
  // named before and that are gone.
  //   not_found          there is no such agent, of one that it did not name before
  //   invalid_argument   more than kAgentsPerEntryMax agents, or one of them twice
  Task<Entry> put(EntryKind kind, Entry entry);
  // By time of creation.
  Task<std::vector<Entry>> list(EntryKind kind, PageRequest page);
  // With its index entries, those under agents too; false if there was none.
  Task<bool> erase(EntryKind kind, std::string id);

  // Of the agents that the entry names, those that are there.
  Task<std::vector<std::string>> live_agents(EntryKind kind, Entry entry);
  // The entries that name this agent, by kind and id.
  Task<std::vector<Membership>> memberships(std::string agent_id);

 private:
  [[nodiscard]] RecordTable<Entry> table(EntryKind kind) const;

  RecordIo io_;
};

}  // namespace kelpie::agent
