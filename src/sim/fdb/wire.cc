#include "sim/fdb/wire.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "sim/fdb/client.h"
#include "sim/fdb/cluster.h"

namespace kelpie::sim {

namespace {

// One that changes something: it is sent at most once.
bool is_commit(const FdbRequest& request) {
  return request.kind == FdbRequest::Kind::kCommit && request.writes;
}

}  // namespace

FdbWire::FdbWire(Simulation& simulation, std::string cluster_host, FdbLatency latency)
    : simulation_(simulation),
      cluster_host_(std::move(cluster_host)),
      latency_(latency),
      times_(simulation.choices().stream("fdb/latency")),
      cuts_(simulation.choices().stream("fdb/cut")) {}

void FdbWire::add(FdbClientId id, std::string host, std::shared_ptr<FdbClient> client) {
  CHECK(id.get() == clients_.size());
  clients_.push_back(std::move(client));
  hosts_.push_back(std::move(host));
}

void FdbWire::close() {
  cluster_ = nullptr;
  clients_.clear();
}

const std::string& FdbWire::host_of(FdbClientId client) const { return hosts_[client.get()]; }

Duration FdbWire::latency(const std::string& from, const std::string& to) {
  return times_.between(latency_.min, latency_.max) +
         simulation_.network().links().slowness(from, to);
}

void FdbWire::later(Duration delay, async::Work work) {
  const int64_t due_ns = simulation_.now_ns() + delay.nanos();
  simulation_.scheduler().system().start_timer(
      Instant::from_nanos(due_ns), [self = weak_from_this(), work = std::move(work)]() mutable {
        const std::shared_ptr<FdbWire> wire = self.lock();
        if (wire != nullptr && wire->cluster_ != nullptr) {
          work();
        }
      });
}

int64_t FdbWire::send(FdbRequest request, int64_t not_before_ns) {
  const std::string& from = host_of(request.client);
  const int64_t now_ns = simulation_.now_ns();
  const int64_t at_ns = std::max(now_ns + latency(from, cluster_host_).nanos(), not_before_ns);
  const Way way =
      simulation_.network().links().is_cut(from, cluster_host_) ? Way::kCut : Way::kOpen;
  commits_under_way_ += is_commit(request) ? 1 : 0;
  later(Duration::nanos(at_ns - now_ns),
        [this, request = std::move(request), way]() mutable { arrive(std::move(request), way); });
  return at_ns;
}

void FdbWire::arrive(FdbRequest request, Way way) {
  const std::string& from = host_of(request.client);
  Links& links = simulation_.network().links();
  commits_under_way_ -= is_commit(request) ? 1 : 0;
  if (is_commit(request) && links.is_cut(from, cluster_host_)) {
    // The link may have failed just before the request passed it, or just after.
    // One that would overtake what waits there cannot have.
    if (way == Way::kCut || waiting_[request.client] > 0 || cuts_.choose(2) == 0) {
      FdbAnswer lost{.client = request.client,
                     .call = request.call,
                     .code = fdb_code::kUnknownResult,
                     .of_commit = true,
                     .marks = {Fault::kNetworkPartition, Fault::kCommitUnknownNotApplied}};
      tell_broken(from, cluster_host_, std::move(lost));
      return;
    }
    request.cut = true;
    cluster_->arrive(std::move(request));
    return;
  }
  ++waiting_[request.client];
  links.pass(from, cluster_host_,
             [self = weak_from_this(), request = std::move(request)]() mutable {
               const std::shared_ptr<FdbWire> wire = self.lock();
               if (wire != nullptr && wire->cluster_ != nullptr) {
                 --wire->waiting_[request.client];
                 wire->cluster_->arrive(std::move(request));
               }
             });
}

void FdbWire::send(FdbAnswer answer, Duration extra) {
  const std::string& to = host_of(answer.client);
  const Duration delay = latency(cluster_host_, to) + extra;
  if (simulation_.network().links().slowness(cluster_host_, to) > Duration()) {
    answer.mark(Fault::kNetworkSlowPair);
  }
  later(delay, [this, answer = std::move(answer)]() mutable { arrive(std::move(answer)); });
}

void FdbWire::arrive(FdbAnswer answer) {
  const std::string& to = host_of(answer.client);
  if (!simulation_.network().links().is_cut(cluster_host_, to)) {
    resolve(std::move(answer));
    return;
  }
  answer.mark(Fault::kNetworkPartition);
  if (answer.of_commit) {
    FdbCluster::make_unknown(answer);
    tell_broken(cluster_host_, to, std::move(answer));
  } else {
    pass(cluster_host_, to, std::move(answer));
  }
}

void FdbWire::tell_broken(const std::string& from, const std::string& to, FdbAnswer answer) {
  // Whichever comes first; the second finds nobody waiting.
  later(kBrokenCommit, [this, answer]() mutable { resolve(std::move(answer)); });
  pass(from, to, std::move(answer));
}

void FdbWire::pass(const std::string& from, const std::string& to, FdbAnswer answer) {
  simulation_.network().links().pass(
      from, to, [self = weak_from_this(), answer = std::move(answer)]() mutable {
        const std::shared_ptr<FdbWire> wire = self.lock();
        if (wire != nullptr && wire->cluster_ != nullptr) {
          wire->resolve(std::move(answer));
        }
      });
}

void FdbWire::resolve(FdbAnswer answer) {
  clients_[answer.client.get()]->resolve(std::move(answer));
}

}  // namespace kelpie::sim
