// Helpers that the suite's cases share. Test support.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "agent/agent_store.h"
#include "agent/agent_store_suite.h"
#include "async/scope.h"
#include "async/sleep.h"
#include "store/conformance_support.h"
#include "store/run.h"

namespace kelpie::agent::suite {

using store::Order;
using store::conformance::failed_with;
using store::conformance::Rows;
using Ids = std::vector<std::string>;

// Many cases write from all sides to one agent, so commits conflict again and again.
inline constexpr store::TransactionOptions kPatient{.retries_max = 1'000};

template <class Store, class Fn>
auto with_store(store::Transaction& transaction, Fn use) -> std::invoke_result_t<Fn&, Store&> {
  Store store(transaction);
  co_return co_await use(store).result();
}

// `use(store)`, a Task, in one transaction that is committed, and tried again after conflicts.
template <class Store, class Fn>
auto on(Bench bench, Fn use) -> std::invoke_result_t<Fn&, Store&> {
  return store::run(
      bench.database,
      [use](store::Transaction& transaction) { return with_store<Store>(transaction, use); },
      kPatient);
}

// Every row of the database.
inline Task<Rows> everything(Bench bench) {
  const auto transaction = bench.database.begin();
  co_return co_await store::conformance::all_rows(*transaction, store::KeyRange{"", "\xff"},
                                                  Order::kForward, 1'000);
}

template <class T>
Ids ids_of(const std::vector<T>& records) {
  Ids ids;
  for (const T& record : records) {
    ids.push_back(record.id);
  }
  return ids;
}

// Runs tasks side by side to their ends; fails with the first error of any.
inline Task<void> together(Bench bench, std::vector<Task<void>> tasks) {
  std::vector<Error> errors;
  Scope scope(bench.loop, [&errors](const Error& error) { errors.push_back(error); });
  for (Task<void>& task : tasks) {
    scope.spawn(std::move(task));
  }
  co_await scope.drain();
  if (!errors.empty()) {
    co_return errors.front();
  }
  co_return kOk;
}

// Between two rounds of a task that repeats itself: others have their turns, whatever a round
// costs. Time passes, which on a loop in virtual time it does not while there is something to do;
// and what is ready runs, which on a loop that prefers timers it does not while one is due.
inline Task<void> pause(Bench bench) {
  co_await async::sleep_for(bench.loop, Duration::millis(1));
  co_await async::yield(bench.loop);
  co_return kOk;
}
// A task that waits for what never comes fails after so many rounds.
inline constexpr int kRoundsMax = 5'000;

inline Config config_of(std::string id, int64_t created_micros) {
  Config config;
  config.id = std::move(id);
  config.created_micros = created_micros;
  return config;
}

inline Task<void> make_agent(Bench bench, std::string id, int64_t created_micros = 1'000) {
  co_return co_await on<AgentStore>(bench, [&](AgentStore& agents) {
    return agents.insert_agent(config_of(id, created_micros));
  }).result();
}

inline Message message_of(std::string id, int64_t created_micros) {
  Message message;
  message.id = std::move(id);
  message.text = "text of " + message.id;
  message.created_micros = created_micros;
  return message;
}

inline Task<Message> append(Bench bench, std::string agent_id, Message message) {
  co_return co_await on<AgentStore>(bench, [&](AgentStore& agents) {
    return agents.append_message(agent_id, message);
  }).result();
}

// What a list of `forward` must answer, by the definition of a page.
inline Ids expected_page(Ids list, const PageRequest& page) {
  if (page.order == Order::kReverse) {
    std::ranges::reverse(list);
  }
  size_t begin = 0;
  size_t end = list.size();
  if (page.after.has_value()) {
    const auto at = std::ranges::find(list, *page.after);
    if (at == list.end()) {
      return {};
    }
    begin = static_cast<size_t>(at - list.begin()) + 1;
  }
  if (page.before.has_value()) {
    const auto at = std::ranges::find(list, *page.before);
    if (at == list.end()) {
      return {};
    }
    end = static_cast<size_t>(at - list.begin());
  }
  if (begin >= end) {
    return {};
  }
  const size_t count = std::min(page.limit, end - begin);
  begin = page.before.has_value() && !page.after.has_value() ? end - count : begin;
  return {list.begin() + static_cast<ptrdiff_t>(begin),
          list.begin() + static_cast<ptrdiff_t>(begin + count)};
}

// Asks `list(page)`, a Task of ids, for pages of several sizes, in both orders, with each cursor at
// every place, absent and unknown.
template <class List>
Task<void> check_paging(Ids forward, List list) {
  std::vector<std::optional<std::string>> cursors = {std::nullopt, "unknown"};
  cursors.insert(cursors.end(), forward.begin(), forward.end());
  for (Order order : {Order::kForward, Order::kReverse}) {
    for (size_t limit : {size_t{1}, size_t{2}, size_t{100}}) {
      for (const auto& after : cursors) {
        for (const auto& before : cursors) {
          const PageRequest page{after, before, limit, order};
          const Ids found = co_await list(page);
          const Ids expected = expected_page(forward, page);
          if (found != expected) {
            co_return base::internal("a page of " + std::to_string(limit) + " after " +
                                     after.value_or("-") + " before " + before.value_or("-") +
                                     " has " + std::to_string(found.size()) + " ids, expected " +
                                     std::to_string(expected.size()) + ", or in another order");
          }
        }
      }
    }
  }
  co_return kOk;
}

}  // namespace kelpie::agent::suite
