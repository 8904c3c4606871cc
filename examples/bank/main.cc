// Money between accounts: it is never lost and never made, also when the process is killed.
//
//   example_bank DIRECTORY TRANSFERS
//
// A transfer is a turn of the account that pays: it takes the money out and sends it to the other,
// and both leave in one commit. The other account takes the message in a turn of its own, exactly
// once. In between the money is on its way, in the store.
#include <kelpie/kelpie.h>

#include <cstdio>
#include <cstdlib>
#include <string>

constexpr int kAccounts = 4;
constexpr int64_t kOpeningBalance = 1'000;

struct AccountState {
  int64_t balance = 0;
  int64_t sent = 0;      // of all transfers, so far
  int64_t received = 0;  // the same
};
KELPIE_FIELDS(AccountState, balance, sent, received)

class Account : public kelpie::Actor<AccountState> {
 public:
  static constexpr std::string_view kType = "account";

  kelpie::Task<void> open(kelpie::Context& ctx, int64_t balance) {
    state(ctx).balance = balance;
    co_return kelpie::kOk;
  }

  kelpie::Task<void> transfer(kelpie::Context& ctx, std::string to, int64_t amount) {
    AccountState& mine = state(ctx);
    if (amount > mine.balance) {
      co_return kelpie::failed_precondition("there is not enough money");
    }
    mine.balance -= amount;
    mine.sent += amount;
    co_return ctx.actor<Account>(std::move(to)).send<&Account::deposit>(amount);
  }

  kelpie::Task<void> deposit(kelpie::Context& ctx, int64_t amount) {
    state(ctx).balance += amount;
    state(ctx).received += amount;
    co_return kelpie::kOk;
  }

  kelpie::Result<AccountState> look(const AccountState& state) const { return state; }

  static void methods(kelpie::Methods<Account>& m) {
    m.turn<&Account::open>("open");
    m.turn<&Account::transfer>("transfer");
    m.turn<&Account::deposit>("deposit");
    m.read_only<&Account::look>("look");
  }
};

kelpie::Handle<Account> account(kelpie::Node& node, int number) {
  return node.actor<Account>("bank", "account-" + std::to_string(number % kAccounts));
}

// Adds all accounts up, once nothing is on its way any more.
kelpie::Task<AccountState> settle(kelpie::Node& node) {
  for (int look = 0; look < 1'500; ++look) {
    AccountState sum;
    for (int i = 0; i < kAccounts; ++i) {
      const AccountState one = co_await account(node, i).call<&Account::look>();
      sum.balance += one.balance;
      sum.sent += one.sent;
      sum.received += one.received;
    }
    if (sum.sent == sum.received) {
      co_return sum;
    }
    co_await node.sleep(kelpie::Duration::millis(20));
  }
  co_return kelpie::unavailable("money is still on its way after 30 s");
}

kelpie::Task<void> app(kelpie::Node& node, int transfers) {
  for (int i = 0; i < kAccounts; ++i) {
    // With the same key it happens once, however often this program is run within a day.
    const auto first = account(node, i).with({.idempotency_key = "open"});
    co_await first.call<&Account::open>(kOpeningBalance);
  }
  // What an earlier run had on its way when it was killed arrives first.
  const AccountState before = co_await settle(node);
  std::printf("before: sum %lld\n", static_cast<long long>(before.balance));

  kelpie::Session session(node);
  for (int i = 0; i < transfers; ++i) {
    auto payer = session.actor<Account>("bank", account(node, i).ref().id);
    const std::string to = account(node, i + 1 + i % 3).ref().id;
    auto paid = co_await payer.call<&Account::transfer>(to, 1 + i % 50).result();
    if (!paid.ok() && paid.error().code != kelpie::Code::kFailedPrecondition) {
      co_return std::move(paid).error();
    }
    std::printf("transfer %d\n", i);
    std::fflush(stdout);
  }

  const AccountState after = co_await settle(node);
  std::printf("after: sum %lld, %s moved\n", static_cast<long long>(after.balance),
              after.sent > before.sent ? "money" : "nothing");
  co_return kelpie::kOk;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s DIRECTORY TRANSFERS\n", argv[0]);
    return 2;
  }
  const int transfers = std::atoi(argv[2]);
  // The lambda is no coroutine: it calls one, and hands over what that needs.
  return kelpie::run<Account>({.data_dir = argv[1]},
                              [transfers](kelpie::Node& node) { return app(node, transfers); });
}
