#include "agent/directory_store.h"

#include <algorithm>
#include <set>
#include <utility>

#include "agent/record_json.h"
#include "codec/json.h"
#include "codec/tuple.h"

namespace kelpie::agent {

namespace json = boost::json;
namespace keys = store::keys;

std::string_view kind_name(EntryKind kind) {
  switch (kind) {
    case EntryKind::kMcpServer:
      return "mcp_server";
    case EntryKind::kGroup:
      return "group";
    case EntryKind::kIdentity:
      return "identity";
    case EntryKind::kProject:
      return "project";
    case EntryKind::kJob:
      return "job";
  }
  return "job";
}

Bytes Entry::encode() const {
  json::object object{{"format", kRecordFormat},
                      {"id", id},
                      {"fields", fields},
                      {"created", created_micros},
                      {"updated", updated_micros}};
  put_text(object, "name", name);
  if (!agent_ids.empty()) {
    object["agents"] = array_from(agent_ids);
  }
  return codec::write_json(object);
}

Result<Entry> Entry::decode(ByteView bytes) {
  const json::object object = TRY(parse_record(bytes, "entry"));
  Entry entry;
  entry.id = text_of(object, "id");
  entry.name = text_of(object, "name");
  entry.fields = object_of(object, "fields");
  entry.agent_ids = texts_of(object, "agents");
  entry.created_micros = number_of(object, "created");
  entry.updated_micros = number_of(object, "updated");
  return entry;
}

RecordTable<Entry> DirectoryStore::table(EntryKind kind) const {
  return {io_, keys::catalogue(kind_name(kind)), kind_name(kind)};
}

Task<std::optional<Entry>> DirectoryStore::get(EntryKind kind, std::string id) {
  RecordTable<Entry> entries = table(kind);
  co_return co_await entries.get(std::move(id));
}

Task<std::vector<std::string>> DirectoryStore::named(EntryKind kind, std::string name) {
  RecordTable<Entry> entries = table(kind);
  co_return co_await entries.named(std::move(name));
}

namespace {

Result<void> check_agents(const std::vector<std::string>& agent_ids) {
  if (agent_ids.size() > kAgentsPerEntryMax) {
    return base::invalid_argument("an entry of " + std::to_string(agent_ids.size()) +
                                  " agents, at most " + std::to_string(kAgentsPerEntryMax) +
                                  " are allowed");
  }
  std::set<std::string_view> seen;
  for (const std::string& id : agent_ids) {
    TRY(check_id(id, "an agent's id"));
    if (!seen.insert(id).second) {
      return base::invalid_argument("agent " + id + " is named twice");
    }
  }
  return kOk;
}

}  // namespace

Task<Entry> DirectoryStore::put(EntryKind kind, Entry entry) {
  co_await check_id(entry.id, std::string(kind_name(kind)) + " id");
  co_await check_agents(entry.agent_ids);
  RecordTable<Entry> entries = table(kind);
  std::set<std::string> before;
  if (const std::optional<Entry> former = co_await entries.get(entry.id)) {
    before.insert(former->agent_ids.begin(), former->agent_ids.end());
  }
  std::vector<std::string> kept;
  for (std::string& agent_id : entry.agent_ids) {
    const Bytes member = keys::agent_member(agent_id, kind_name(kind), entry.id);
    if (before.erase(agent_id) > 0) {
      const std::optional<Bytes> there = co_await io_.row(member);
      if (!there.has_value()) {
        continue;
      }
    } else {
      co_await io_.must_have_agent(agent_id);
      io_.transaction().set(member, Bytes());
    }
    kept.push_back(std::move(agent_id));
  }
  for (const std::string& dropped : before) {
    io_.transaction().clear(keys::agent_member(dropped, kind_name(kind), entry.id));
  }
  entry.agent_ids = std::move(kept);
  co_await entries.put(entry);
  co_return std::move(entry);
}

Task<std::vector<Entry>> DirectoryStore::list(EntryKind kind, PageRequest page) {
  RecordTable<Entry> entries = table(kind);
  co_return co_await entries.list(std::move(page));
}

Task<bool> DirectoryStore::erase(EntryKind kind, std::string id) {
  RecordTable<Entry> entries = table(kind);
  const std::optional<Entry> former = co_await entries.erase(id);
  if (!former.has_value()) {
    co_return false;
  }
  for (const std::string& agent_id : former->agent_ids) {
    io_.transaction().clear(keys::agent_member(agent_id, kind_name(kind), id));
  }
  co_return true;
}

Task<std::vector<std::string>> DirectoryStore::live_agents(EntryKind kind, Entry entry) {
  std::vector<std::string> live;
  for (std::string& agent_id : entry.agent_ids) {
    const std::optional<Bytes> there =
        co_await io_.row(keys::agent_member(agent_id, kind_name(kind), entry.id));
    if (there.has_value()) {
      live.push_back(std::move(agent_id));
    }
  }
  co_return std::move(live);
}

Task<std::vector<Membership>> DirectoryStore::memberships(std::string agent_id) {
  const std::vector<store::KeyValue> found =
      co_await io_.rows(keys::agent_members(agent_id), store::Order::kForward, SIZE_MAX);
  std::vector<Membership> memberships;
  for (const store::KeyValue& row : found) {
    auto elements = co_await codec::unpack_tuple(row.key);
    const size_t count = elements.size();
    if (count < 2 || !elements[count - 1].is_string() || !elements[count - 2].is_string()) {
      co_return base::data_loss("a membership key of agent " + agent_id + " has an unknown format");
    }
    memberships.push_back(
        {std::move(elements[count - 2].bytes), std::move(elements[count - 1].bytes)});
  }
  co_return std::move(memberships);
}

}  // namespace kelpie::agent
