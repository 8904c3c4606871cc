#include "sim/check/list_append.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "sim/check/dependency_graph.h"
#include "sim/check/list_versions.h"

namespace kelpie::sim {
namespace {

using Records = std::vector<TransactionRecord>;

void add_write_edges(ByteView key, const ListKey& of, DependencyGraph& graph) {
  for (size_t i = 1; i < of.order.size(); ++i) {
    graph.add({of.order[i - 1].transaction, of.order[i].transaction, EdgeKind::kWriteWrite, key,
               of.order[i - 1].element, of.order[i].element});
  }
  // Lists only grow at their end: what no read has shown came after all that one has.
  if (!of.order.empty()) {
    for (const ListAppend& append : of.unobserved) {
      graph.add({of.order.back().transaction, append.transaction, EdgeKind::kWriteWrite, key,
                 of.order.back().element, append.element});
    }
  }
}

void add_read_edges(ByteView key, const ListKey& of, DependencyGraph& graph) {
  for (const ListRead& read : of.reads) {
    if (read.isolation == store::Isolation::kSnapshot) {
      continue;
    }
    const size_t count = of.elements(read.others());
    ByteView last;
    if (count > 0) {
      const ListAppend& end = of.order[count - 1];
      last = end.element;
      graph.add({end.transaction, read.transaction, EdgeKind::kWriteRead, key, last, {}});
    }
    const auto overtaken_by = [&](const ListAppend& next) {
      graph.add(
          {read.transaction, next.transaction, EdgeKind::kReadWrite, key, last, next.element});
    };
    if (count < of.order.size()) {
      overtaken_by(of.order[count]);
    } else {
      std::ranges::for_each(of.unobserved, overtaken_by);
    }
  }
}

bool reads_the_past(const TransactionRecord& record) {
  return record.freshness == Freshness::kChosen && !record.writes();
}

// Enough edges that all others follow: to each transaction from those that had returned and that no
// later one, returned too, had followed.
void add_real_time_edges(const Records& records, const ListVersions& versions,
                         DependencyGraph& graph) {
  struct Event {
    int64_t at_ns;
    bool is_return;  // at one moment after the calls: the same moment is no order
    uint32_t transaction;
    auto operator<=>(const Event&) const = default;
  };
  std::vector<Event> events;
  for (uint32_t i = 0; i < records.size(); ++i) {
    if (versions.committed(i)) {
      events.push_back({records[i].called_ns, false, i});
      if (records[i].fate == Fate::kOk) {
        events.push_back({records[i].returned_ns, true, i});
      }
    }
  }
  std::ranges::sort(events);
  std::set<uint32_t> frontier;
  std::map<uint32_t, std::vector<uint32_t>> followed;  // by those that have not returned
  for (const Event& event : events) {
    if (event.is_return) {
      for (const uint32_t before : followed[event.transaction]) {
        frontier.erase(before);
      }
      followed.erase(event.transaction);
      frontier.insert(event.transaction);
    } else if (!reads_the_past(records[event.transaction])) {
      for (const uint32_t before : frontier) {
        graph.add({before, event.transaction, EdgeKind::kRealTime, {}, {}, {}});
      }
      followed[event.transaction].assign(frontier.begin(), frontier.end());
    }
  }
}

void add_client_edges(const Records& records, const ListVersions& versions,
                      DependencyGraph& graph) {
  std::map<std::string, std::vector<uint32_t>> clients;
  for (uint32_t i = 0; i < records.size(); ++i) {
    if (versions.committed(i)) {
      clients[records[i].client].push_back(i);
    }
  }
  for (auto& [client, mine] : clients) {
    std::ranges::sort(mine, {}, [&](uint32_t i) {
      return std::tuple(records[i].called_ns, records[i].returned_ns, i);
    });
    for (size_t i = 1; i < mine.size(); ++i) {
      const TransactionRecord& before = records[mine[i - 1]];
      const TransactionRecord& after = records[mine[i]];
      if (before.fate == Fate::kOk && before.returned_ns <= after.called_ns &&
          !reads_the_past(after)) {
        graph.add({mine[i - 1], mine[i], EdgeKind::kClient, {}, {}, {}});
      }
    }
  }
}

// A read that was called after the acknowledgement of an append, without its element.
std::optional<Anomaly> find_lost_append(const Records& records, ByteView key, const ListKey& of) {
  struct Acknowledged {
    int64_t returned_ns;
    size_t position;  // in the order of the elements; behind it if no read ever showed it
    const ListAppend* append;
  };
  std::vector<Acknowledged> acknowledged;
  const auto add = [&](const ListAppend& append, size_t position) {
    const TransactionRecord& writer = records[append.transaction];
    if (writer.fate == Fate::kOk) {
      acknowledged.push_back({writer.returned_ns, position, &append});
    }
  };
  for (size_t i = 0; i < of.order.size(); ++i) {
    add(of.order[i], i);
  }
  for (const ListAppend& append : of.unobserved) {
    add(append, of.order.size());
  }
  std::ranges::sort(acknowledged, {}, [](const Acknowledged& a) {
    return std::tuple(a.returned_ns, a.position, a.append->element);
  });
  // The one furthest behind among those that had returned.
  std::vector<const Acknowledged*> furthest;
  for (const Acknowledged& one : acknowledged) {
    const bool further = furthest.empty() || one.position > furthest.back()->position;
    furthest.push_back(further ? &one : furthest.back());
  }
  for (const ListRead& read : of.reads) {
    const TransactionRecord& reader = records[read.transaction];
    const auto returned_before = static_cast<size_t>(
        std::ranges::lower_bound(acknowledged, reader.called_ns, {}, &Acknowledged::returned_ns) -
        acknowledged.begin());
    if (returned_before == 0 || reads_the_past(reader) ||
        read.isolation == store::Isolation::kSnapshot) {
      continue;
    }
    const Acknowledged& missing = *furthest[returned_before - 1];
    if (missing.position < of.elements(read.others())) {
      continue;
    }
    const bool lost = missing.position == of.order.size();
    return Anomaly{
        lost ? "lost append" : "stale read",
        fmt::format("{} in {} was acknowledged and {}:\n  writer {}\n  reader {}",
                    show_bytes(missing.append->element), show_bytes(key),
                    lost ? "is in no list" : "is missing in a later read",
                    records[missing.append->transaction].to_string(), reader.to_string())};
  }
  return std::nullopt;
}

std::string why(const Edge& edge, const Records& records) {
  const TransactionRecord& from = records[edge.from];
  const TransactionRecord& to = records[edge.to];
  const std::string key = show_bytes(edge.key);
  switch (edge.kind) {
    case EdgeKind::kWriteWrite:
      return fmt::format("in {} {} of {} comes behind {} of {}", key, show_bytes(edge.second),
                         to.id, show_bytes(edge.first), from.id);
    case EdgeKind::kWriteRead:
      return fmt::format("{} saw {} of {} in {}", to.id, show_bytes(edge.first), from.id, key);
    case EdgeKind::kReadWrite:
      return fmt::format("{} saw {} {} and without {} of {}", from.id, key,
                         edge.first.empty() ? "empty" : "up to " + show_bytes(edge.first),
                         show_bytes(edge.second), to.id);
    case EdgeKind::kClient:
      return fmt::format("{} did {} before {}", from.client, from.id, to.id);
    case EdgeKind::kRealTime:
      return fmt::format("{} returned at {}, {} was called at {}", from.id,
                         show_time(from.returned_ns), to.id, show_time(to.called_ns));
  }
  return "";
}

std::string explain(const Cycle& cycle, const Records& records) {
  std::string text;
  for (const Edge& edge : cycle.edges) {
    text += fmt::format("{} -{}-> ", records[edge.from].id, edge_name(edge.kind));
  }
  text += records[cycle.edges.front().from].id;
  for (const Edge& edge : cycle.edges) {
    text += fmt::format("\n  {} before {} ({}): {}", records[edge.from].id, records[edge.to].id,
                        edge_name(edge.kind), why(edge, records));
  }
  for (const Edge& edge : cycle.edges) {
    text += "\n  " + records[edge.from].to_string();
  }
  return text;
}

CheckResult violation(Anomaly anomaly) {
  return {HistoryVerdict::kViolation, std::move(anomaly.name), std::move(anomaly.explanation), 0};
}

}  // namespace

CheckResult check_list_append(const Records& transactions, ListAppendOptions options) {
  if (auto problem = find_malformed(transactions)) {
    return malformed_history(*std::move(problem));
  }
  const ListVersions versions(transactions);
  if (auto problem = versions.malformed()) {
    return malformed_history(*std::move(problem));
  }
  if (auto anomaly = versions.anomaly()) {
    return violation(*std::move(anomaly));
  }
  DependencyGraph graph(transactions.size());
  for (const auto& [key, of] : versions.keys()) {
    if (options.demand == Demand::kStrict) {
      if (auto anomaly = find_lost_append(transactions, key, of)) {
        return violation(*std::move(anomaly));
      }
    }
    add_write_edges(key, of, graph);
    add_read_edges(key, of, graph);
  }
  if (options.demand != Demand::kSerializable) {
    add_client_edges(transactions, versions, graph);
  }
  if (options.demand == Demand::kStrict) {
    add_real_time_edges(transactions, versions, graph);
  }
  if (const auto cycle = graph.find_cycle()) {
    return violation({cycle->anomaly, explain(*cycle, transactions)});
  }
  return {};
}

}  // namespace kelpie::sim
