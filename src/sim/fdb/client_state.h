// What FdbClient keeps for each native future and transaction.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "sim/fdb/client.h"

namespace kelpie::sim {

struct FdbClient::Future {
  std::shared_ptr<FdbClient> client;
  std::shared_ptr<Future> self;  // until it is destroyed
  Kind kind = Kind::kRead;
  FdbCallId call;
  std::weak_ptr<Transaction> transaction;
  FdbAttemptId attempt;
  // When the last request of the attempt arrives; the next one comes after it.
  std::shared_ptr<int64_t> arrives_ns;
  bool ready = false;
  bool destroyed = false;
  bool missed = false;  // a watch that will never fire
  store::FdbCallback callback = nullptr;
  void* context = nullptr;
  FdbAnswer answer;
  std::vector<store::FdbKeyValue> native_rows;
};

struct FdbClient::Transaction {
  std::shared_ptr<FdbClient> client;
  std::shared_ptr<Transaction> self;  // until it is destroyed
  Duration backoff;
  // Of one attempt:
  FdbAttemptId attempt;
  std::shared_ptr<int64_t> arrives_ns = std::make_shared<int64_t>(0);
  store::TransactionOptions options;
  std::optional<store::Version> read_version;
  std::vector<FdbStep> steps;  // not sent yet
  bool sent = false;           // the cluster knows the attempt
  bool writes = false;
  std::vector<FuturePtr> calls;    // reads and commits, some of them ready
  std::vector<FuturePtr> stamps;   // until the commit has ended
  std::vector<FuturePtr> watches;  // until they are set
  FuturePtr committing;
  store::Version committed = store::kNoVersion;
};

}  // namespace kelpie::sim
