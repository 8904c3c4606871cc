#include "sim/check/dependency_graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace kelpie::sim {
namespace {

constexpr uint32_t kUnseen = UINT32_MAX;

size_t index(EdgeKind kind) { return static_cast<size_t>(kind); }

// Two steps in real time are one: it is transitive.
std::vector<Edge> without_detours(std::vector<Edge> edges) {
  std::vector<Edge> result;
  for (const Edge& edge : edges) {
    const bool both = !result.empty() && result.back().kind == EdgeKind::kRealTime &&
                      edge.kind == EdgeKind::kRealTime;
    if (both) {
      result.back().to = edge.to;
    } else {
      result.push_back(edge);
    }
  }
  if (result.size() > 2 && result.front().kind == EdgeKind::kRealTime &&
      result.back().kind == EdgeKind::kRealTime) {
    result.front().from = result.back().from;
    result.pop_back();
  }
  return result;
}

}  // namespace

std::string_view edge_name(EdgeKind kind) {
  switch (kind) {
    case EdgeKind::kWriteWrite:
      return "ww";
    case EdgeKind::kWriteRead:
      return "wr";
    case EdgeKind::kReadWrite:
      return "rw";
    case EdgeKind::kClient:
      return "client";
    case EdgeKind::kRealTime:
      return "real-time";
  }
  return "?";
}

void DependencyGraph::add(const Edge& edge) {
  CHECK(edge.from < edges_.size() && edge.to < edges_.size());
  if (edge.from != edge.to) {
    edges_[edge.from].push_back(edge);
  }
}

std::optional<Cycle> DependencyGraph::find_cycle() const {
  if (auto cycle = find_cycle_of({}, "{}")) {
    return cycle;
  }
  Kinds order = {};
  order[index(EdgeKind::kClient)] = true;
  if (auto cycle = find_cycle_of(order, "client order violation ({})")) {
    return cycle;
  }
  order[index(EdgeKind::kRealTime)] = true;
  return find_cycle_of(order, "real-time violation ({})");
}

std::optional<Cycle> DependencyGraph::find_cycle_of(const Kinds& order,
                                                    std::string_view format) const {
  Kinds kinds = order;
  const auto named = [&](std::string_view name, std::vector<Edge> edges) {
    return Cycle{fmt::format(fmt::runtime(format), name), without_detours(std::move(edges))};
  };
  kinds[index(EdgeKind::kWriteWrite)] = true;
  if (auto edges = shortest(kinds, kinds, components(kinds)); !edges.empty()) {
    return named("G0", std::move(edges));
  }
  kinds[index(EdgeKind::kWriteRead)] = true;
  if (auto edges = shortest(kinds, kinds, components(kinds)); !edges.empty()) {
    return named("G1c", std::move(edges));
  }
  Kinds all = kinds;
  all[index(EdgeKind::kReadWrite)] = true;
  Kinds read_write = {};
  read_write[index(EdgeKind::kReadWrite)] = true;
  const std::vector<uint32_t> component = components(all);
  if (auto edges = shortest(read_write, kinds, component); !edges.empty()) {
    return named("G-single", std::move(edges));
  }
  if (auto edges = shortest(read_write, all, component); !edges.empty()) {
    return named("G2-item", std::move(edges));
  }
  return std::nullopt;
}

// Tarjan's strongly connected components, without recursion: histories are long.
std::vector<uint32_t> DependencyGraph::components(const Kinds& kinds) const {
  struct Visit {
    uint32_t node;
    size_t next_edge;
  };
  const auto nodes = static_cast<uint32_t>(edges_.size());
  std::vector<uint32_t> component(nodes, kUnseen);
  std::vector<uint32_t> number(nodes, kUnseen);
  std::vector<uint32_t> low(nodes, 0);
  std::vector<uint32_t> open;
  std::vector<Visit> visits;
  uint32_t numbers = 0;
  uint32_t components = 0;
  const auto enter = [&](uint32_t node) {
    number[node] = low[node] = numbers++;
    open.push_back(node);
    visits.push_back({node, 0});
  };
  const auto leave = [&](uint32_t node) {
    if (low[node] == number[node]) {
      uint32_t member = kUnseen;
      do {
        member = open.back();
        open.pop_back();
        component[member] = components;
      } while (member != node);
      ++components;
    }
    visits.pop_back();
    if (!visits.empty()) {
      const uint32_t above = visits.back().node;
      low[above] = std::min(low[above], low[node]);
    }
  };
  for (uint32_t root = 0; root < nodes; ++root) {
    if (number[root] == kUnseen) {
      enter(root);
    }
    while (!visits.empty()) {
      Visit& visit = visits.back();
      if (visit.next_edge == edges_[visit.node].size()) {
        leave(visit.node);
        continue;
      }
      const Edge& edge = edges_[visit.node][visit.next_edge++];
      if (!kinds[index(edge.kind)]) {
        continue;
      }
      if (number[edge.to] == kUnseen) {
        enter(edge.to);
      } else if (component[edge.to] == kUnseen) {
        low[edge.from] = std::min(low[edge.from], number[edge.to]);
      }
    }
  }
  return component;
}

std::optional<std::vector<Edge>> DependencyGraph::path(
    uint32_t from, uint32_t to, const Kinds& kinds, const std::vector<uint32_t>& component) const {
  std::vector<const Edge*> came_by(edges_.size(), nullptr);
  std::vector<uint32_t> queue = {from};
  for (size_t head = 0; head < queue.size() && came_by[to] == nullptr; ++head) {
    for (const Edge& edge : edges_[queue[head]]) {
      const bool fresh = came_by[edge.to] == nullptr && edge.to != from;
      if (fresh && kinds[index(edge.kind)] && component[edge.to] == component[from]) {
        came_by[edge.to] = &edge;
        queue.push_back(edge.to);
      }
    }
  }
  if (came_by[to] == nullptr) {
    return std::nullopt;
  }
  std::vector<Edge> path;
  for (uint32_t at = to; at != from; at = came_by[at]->from) {
    path.push_back(*came_by[at]);
  }
  std::ranges::reverse(path);
  return path;
}

std::vector<Edge> DependencyGraph::shortest(const Kinds& first, const Kinds& kinds,
                                            const std::vector<uint32_t>& component) const {
  std::vector<Edge> best;
  for (const std::vector<Edge>& from_one : edges_) {
    for (const Edge& edge : from_one) {
      if (best.size() == 2) {
        return best;
      }
      if (!first[index(edge.kind)] || component[edge.from] != component[edge.to]) {
        continue;
      }
      auto back = path(edge.to, edge.from, kinds, component);
      if (back && (best.empty() || back->size() + 1 < best.size())) {
        best = {edge};
        best.insert(best.end(), back->begin(), back->end());
      }
    }
  }
  return best;
}

}  // namespace kelpie::sim
