// Orders that drive themselves: who has not paid in time loses the order, who has paid gets the
// goods. Time is kept by reminders, which are in the store: they fire although this program ended
// after it had set them.
//
//   example_order_workflow DIRECTORY place     sets three orders up, and ends at once
//   example_order_workflow DIRECTORY finish    waits until all of them have come to their end
#include <kelpie/kelpie.h>

#include <cstdio>
#include <string>

enum class Status : uint8_t { kNew, kAwaitingPayment, kPaid, kShipped, kExpired, kCancelled };

const char* name_of(Status status) {
  constexpr const char* kNames[] = {"new",     "awaiting payment", "paid",
                                    "shipped", "expired",          "cancelled"};
  return kNames[static_cast<size_t>(status)];
}

struct OrderState {
  Status status = Status::kNew;
  std::string item;
};
KELPIE_FIELDS(OrderState, status, item)

class Order : public kelpie::Actor<OrderState> {
 public:
  static constexpr std::string_view kType = "order";
  static constexpr kelpie::Duration kPaymentTime = kelpie::Duration::millis(300);
  static constexpr kelpie::Duration kPackingTime = kelpie::Duration::millis(200);

  kelpie::Task<void> place(kelpie::Context& ctx, std::string item) {
    if (peek(ctx).status != Status::kNew) {
      co_return kelpie::already_exists(ctx.self().to_string() + " has been placed before");
    }
    state(ctx) = {Status::kAwaitingPayment, std::move(item)};
    // In the same commit as the state: there is no order without its time-out.
    co_return co_await ctx.remind_after<&Order::expire>("payment", kPaymentTime).result();
  }

  kelpie::Task<void> pay(kelpie::Context& ctx) {
    if (peek(ctx).status != Status::kAwaitingPayment) {
      co_return kelpie::failed_precondition("the order does not await a payment");
    }
    state(ctx).status = Status::kPaid;
    // Once this turn has committed the time-out does not come any more.
    co_await ctx.cancel_reminder("payment");
    co_return co_await ctx.remind_after<&Order::ship>("packing", kPackingTime).result();
  }

  kelpie::Task<void> cancel(kelpie::Context& ctx) {
    if (peek(ctx).status != Status::kAwaitingPayment) {
      co_return kelpie::failed_precondition("it is too late to cancel the order");
    }
    state(ctx).status = Status::kCancelled;
    co_await ctx.cancel_reminder("payment");
    co_return kelpie::kOk;
  }

  // Called by reminders.
  kelpie::Task<void> expire(kelpie::Context& ctx) {
    state(ctx).status = Status::kExpired;
    co_return kelpie::kOk;
  }
  kelpie::Task<void> ship(kelpie::Context& ctx) {
    state(ctx).status = Status::kShipped;
    co_return kelpie::kOk;
  }

  kelpie::Result<OrderState> look(const OrderState& state) const { return state; }

  static void methods(kelpie::Methods<Order>& m) {
    m.turn<&Order::place>("place");
    m.turn<&Order::pay>("pay");
    m.turn<&Order::cancel>("cancel");
    m.turn<&Order::expire>("expire");
    m.turn<&Order::ship>("ship");
    m.read_only<&Order::look>("look");
  }
};

kelpie::Task<void> place_orders(kelpie::Node& node) {
  for (const char* id : {"paid-in-time", "forgotten", "regretted"}) {
    co_await node.actor<Order>("shop", id).call<&Order::place>("a kelp plant");
  }
  co_await node.actor<Order>("shop", "paid-in-time").call<&Order::pay>();
  co_await node.actor<Order>("shop", "regretted").call<&Order::cancel>();
  for (const char* id : {"paid-in-time", "forgotten", "regretted"}) {
    const OrderState order = co_await node.actor<Order>("shop", id).call<&Order::look>();
    std::printf("%s: %s\n", id, name_of(order.status));
  }
  co_return kelpie::kOk;
}

kelpie::Task<void> finish_orders(kelpie::Node& node) {
  for (const char* id : {"paid-in-time", "forgotten", "regretted"}) {
    OrderState order = co_await node.actor<Order>("shop", id).call<&Order::look>();
    for (int look = 0; look < 1'500; ++look) {
      if (order.status != Status::kAwaitingPayment && order.status != Status::kPaid) {
        break;
      }
      co_await node.sleep(kelpie::Duration::millis(20));
      order = co_await node.actor<Order>("shop", id).call<&Order::look>();
    }
    std::printf("%s: %s\n", id, name_of(order.status));
  }
  co_return kelpie::kOk;
}

int main(int argc, char** argv) {
  const std::string what = argc == 3 ? argv[2] : "";
  if (what != "place" && what != "finish") {
    std::fprintf(stderr, "usage: %s DIRECTORY place|finish\n", argv[0]);
    return 2;
  }
  return kelpie::run<Order>({.data_dir = argv[1]}, what == "place" ? place_orders : finish_orders);
}
