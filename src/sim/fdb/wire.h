// FdbWire: the way between client libraries and the simulated cluster.
//
// Requests of one attempt arrive in the order in which they were sent; everything else overtakes.
// While the link between the hosts is cut (Network::links) nothing arrives: requests and answers
// wait, for a client library tries again for ever. A commit is sent at most once, so one whose
// request or answer meets a cut ends with 1021, when the link is mended or after `kBrokenCommit`,
// and is then no longer in flight.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "sim/choices.h"
#include "sim/fdb/messages.h"
#include "sim/simulation.h"

namespace kelpie::sim {

class FdbClient;
class FdbCluster;

struct FdbLatency {
  Duration min = Duration::micros(100);
  Duration max = Duration::millis(2);
};

// One per cluster; what is under way ends with it.
class FdbWire : public std::enable_shared_from_this<FdbWire> {
 public:
  static constexpr Duration kBrokenCommit = Duration::seconds(5);

  FdbWire(Simulation& simulation, std::string cluster_host, FdbLatency latency);

  void set_cluster(FdbCluster* cluster) { cluster_ = cluster; }
  void add(FdbClientId id, std::string host, std::shared_ptr<FdbClient> client);
  // Nothing arrives any more.
  void close();

  // At or after `not_before_ns` of simulated time; yields when.
  int64_t send(FdbRequest request, int64_t not_before_ns);
  // `extra` later than otherwise.
  void send(FdbAnswer answer, Duration extra);
  // Runs `work` on the clients' network thread, after `delay`.
  void later(Duration delay, async::Work work);

  // Commits that have not arrived, and may yet.
  [[nodiscard]] size_t commits_under_way() const { return commits_under_way_; }
  [[nodiscard]] Simulation& simulation() { return simulation_; }
  [[nodiscard]] const std::vector<std::shared_ptr<FdbClient>>& clients() const { return clients_; }

 private:
  [[nodiscard]] const std::string& host_of(FdbClientId client) const;
  [[nodiscard]] Duration latency(const std::string& from, const std::string& to);
  // The link when the request was sent.
  enum class Way : uint8_t { kOpen, kCut };
  void arrive(FdbRequest request, Way way);
  void arrive(FdbAnswer answer);
  // Tells the client once the link is mended, or after a while.
  void tell_broken(const std::string& from, const std::string& to, FdbAnswer answer);
  void pass(const std::string& from, const std::string& to, FdbAnswer answer);
  void resolve(FdbAnswer answer);

  Simulation& simulation_;
  std::string cluster_host_;
  FdbLatency latency_;
  ChoiceStream& times_;
  ChoiceStream& cuts_;
  FdbCluster* cluster_ = nullptr;
  size_t commits_under_way_ = 0;
  std::map<FdbClientId, size_t> waiting_;            // requests, at a cut
  std::vector<std::shared_ptr<FdbClient>> clients_;  // by id
  std::vector<std::string> hosts_;                   // of the clients
};

}  // namespace kelpie::sim
