// AgentClient: a simulated host that speaks the agents' REST API through the production HTTP
// client, and records what it called and what came back.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/task.h"
#include "llm/offline_rules.h"
#include "net/http_client.h"
#include "sim/history.h"
#include "sim/simulation.h"
#include "world/net.h"

namespace kelpie::sim {

class AgentClient {
 public:
  // The history outlives the client.
  AgentClient(Simulation& simulation, SimHost& host, world::Address server, History& history);
  AgentClient(const AgentClient&) = delete;
  AgentClient& operator=(const AgentClient&) = delete;
  ~AgentClient();

  // Each makes one operation and returns its place in the history. None fails: what went wrong is
  // the outcome. `patience` bounds each wait for the server.
  Task<size_t> create(Duration patience, std::string model = std::string(llm::kOfflineHandle));
  Task<size_t> send(std::string agent, std::string text, Duration patience);
  // All messages, oldest first, in pages of `limit`.
  Task<size_t> list(std::string agent, size_t limit, Duration patience);
  Task<size_t> get(std::string agent, Duration patience);
  Task<size_t> remove(std::string agent, Duration patience);

  // A text that nobody else sends in this run.
  std::string new_text();
  [[nodiscard]] SimHost& host() { return host_; }

 private:
  struct Answer {
    Outcome outcome = Outcome::kUnknown;
    int status = 0;
    std::string body;
    bool cut = false;  // the body, or a part of it, was lost on its way
  };
  struct Page;
  Task<Answer> ask(std::string method, std::string path, std::string body, Duration patience);
  std::string path_of(const std::string& agent);
  size_t begin(OpKind kind, std::string agent, std::string text);
  void end(size_t place, const Answer& answer);
  void malformed(size_t place, const std::string& what);

  Simulation& simulation_;
  SimHost& host_;
  std::string base_url_;
  History& history_;
  ChoiceStream& spelling_;
  std::vector<uint64_t> read_fails_before_;  // by place in the history
  std::vector<uint64_t> damaged_before_;
  uint64_t texts_ = 0;
  std::unique_ptr<net::HttpClient> http_;
};

}  // namespace kelpie::sim
