// run: the retry loop around a transaction.
//
//   const int64_t total = co_await store::run(database, [&](Transaction& transaction) {
//     return add_up(transaction, account);  // a coroutine function that returns Task<int64_t>
//   });
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "async/task.h"
#include "store/database.h"

namespace kelpie::store {

// Calls `body` with a transaction and commits, again and again while either ends with an error
// after which trying again may help (Transaction::on_error; it also waits in between); the last
// error after as many retries as the options allow. Every other error is returned at once: above
// all `unknown`, an undecided commit. Where that must be settled instead: exactly_once.h.
//
// `body` is called once per attempt, so ids are generated outside; it returns a Task<T> and is
// itself no coroutine (a lambda that captures must not be one).
template <class Body>
auto run(Database& database, Body body, TransactionOptions options = {.retries_max = 20})
    -> std::invoke_result_t<Body&, Transaction&> {
  const std::unique_ptr<Transaction> transaction = database.begin(options);
  for (;;) {
    auto result = co_await body(*transaction).result();
    if (result.ok()) {
      Result<Version> committed = co_await transaction->commit().result();
      if (committed.ok()) {
        co_return std::move(result);
      }
      result = std::move(committed).error();
    }
    co_await transaction->on_error(std::move(result).error());
  }
}

}  // namespace kelpie::store
