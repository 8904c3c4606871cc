// run: the retry loop around a transaction.
//
//   const int64_t total = co_await store::run(database, loop, [&](Transaction& transaction) {
//     return add_up(transaction, account);  // a coroutine function that returns Task<int64_t>
//   });
#pragma once

#include <algorithm>
#include <memory>
#include <type_traits>
#include <utility>

#include "async/loop.h"
#include "async/sleep.h"
#include "async/task.h"
#include "store/database.h"

namespace kelpie::store {

struct RunOptions {
  int attempts_max = 20;
  Duration backoff_first = Duration::millis(1);
  Duration backoff_max = Duration::millis(200);
};

// Calls `body` with a fresh transaction and commits, again and again while either ends with
// `aborted`; the last error after `attempts_max` attempts. Every other error is returned at once:
// above all `unknown`, an undecided commit, which only the caller knows how to settle.
//
// `body` is called once per attempt, so ids are generated outside; it returns a Task<T> and is
// itself no coroutine (a lambda that captures must not be one).
template <class Body>
auto run(Database& database, Loop& loop, Body body, RunOptions options = {})
    -> std::invoke_result_t<Body&, Transaction&> {
  Duration backoff = options.backoff_first;
  for (int attempt = 1;; ++attempt) {
    const std::unique_ptr<Transaction> transaction = database.begin();
    auto result = co_await body(*transaction).result();
    if (result.ok()) {
      Result<Version> committed = co_await transaction->commit().result();
      if (committed.ok()) {
        co_return std::move(result);
      }
      result = std::move(committed).error();
    }
    if (result.error().code != Code::kAborted || attempt >= options.attempts_max) {
      co_return std::move(result);
    }
    co_await async::sleep_for(loop, backoff);
    backoff = std::min(backoff * 2, options.backoff_max);
  }
}

}  // namespace kelpie::store
