// The graph of who must come before whom, and the cycles in it, named as Adya did ("Weak
// Consistency", 1999) and Elle after him (Kingsbury and Alvaro, "Elle: inferring isolation
// anomalies from experimental observations", 2020).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace kelpie::sim {

enum class EdgeKind : uint8_t {
  kWriteWrite,  // the second wrote right behind the first
  kWriteRead,   // the second saw what the first wrote
  kReadWrite,   // the first did not see what the second wrote
  kClient,      // one client did the first, then the second
  kRealTime,    // the first had returned when the second was called
};
std::string_view edge_name(EdgeKind kind);

struct Edge {
  uint32_t from = 0;
  uint32_t to = 0;
  EdgeKind kind = EdgeKind::kWriteWrite;
  // Of the three kinds of data: which key, and the elements that prove it. They point into the
  // history.
  ByteView key;
  ByteView first;
  ByteView second;
};

struct Cycle {
  std::string anomaly;
  std::vector<Edge>
      edges;  // each begins where the one before it ends, the first where the last does
};

class DependencyGraph {
 public:
  explicit DependencyGraph(size_t nodes) : edges_(nodes) {}

  // An edge from a node to itself says nothing and is left out.
  void add(const Edge& edge);
  // The cycle that says most, and a shortest one of its kind: dependencies alone before those with
  // the clients' order, and these before those with real time; G0 (writes alone), G1c (and reads of
  // writes), G-single (one read that a write overtook), G2-item (several).
  [[nodiscard]] std::optional<Cycle> find_cycle() const;

 private:
  using Kinds = std::array<bool, 5>;  // by EdgeKind

  [[nodiscard]] std::optional<Cycle> find_cycle_of(const Kinds& order,
                                                   std::string_view format) const;
  [[nodiscard]] std::vector<uint32_t> components(const Kinds& kinds) const;
  // The shortest way over these kinds that stays in the component of `from`.
  [[nodiscard]] std::optional<std::vector<Edge>> path(uint32_t from, uint32_t to,
                                                      const Kinds& kinds,
                                                      const std::vector<uint32_t>& component) const;
  // A shortest cycle of which the first edge is of `first`, the others of `kinds`.
  [[nodiscard]] std::vector<Edge> shortest(const Kinds& first, const Kinds& kinds,
                                           const std::vector<uint32_t>& component) const;

  std::vector<std::vector<Edge>> edges_;  // by `from`
};

}  // namespace kelpie::sim
