// A chat room: who posts waits for the room alone; everybody in it gets the message soon after.
//
//   example_chat_room DIRECTORY
#include <kelpie/kelpie.h>

#include <cstdio>
#include <string>
#include <vector>

struct UserState {
  std::vector<std::string> lines;  // that this user has seen, in order
};
KELPIE_FIELDS(UserState, lines)

class User : public kelpie::Actor<UserState> {
 public:
  static constexpr std::string_view kType = "user";
  static constexpr size_t kLinesMax = 100;

  kelpie::Task<void> deliver(kelpie::Context& ctx, std::string line) {
    std::vector<std::string>& lines = state(ctx).lines;
    lines.push_back(std::move(line));
    if (lines.size() > kLinesMax) {
      lines.erase(lines.begin());
    }
    co_return kelpie::kOk;
  }
  kelpie::Result<std::vector<std::string>> lines(const UserState& state) const {
    return state.lines;
  }

  static void methods(kelpie::Methods<User>& m) {
    m.turn<&User::deliver>("deliver");
    m.read_only<&User::lines>("lines");
  }
};

struct RoomState {
  std::vector<std::string> members;
  int64_t posted = 0;
};
KELPIE_FIELDS(RoomState, members, posted)

class Room : public kelpie::Actor<RoomState> {
 public:
  static constexpr std::string_view kType = "room";

  kelpie::Task<void> join(kelpie::Context& ctx, std::string user) {
    for (const std::string& member : peek(ctx).members) {
      if (member == user) {
        co_return kelpie::kOk;  // nothing changed: this turn commits nothing
      }
    }
    state(ctx).members.push_back(std::move(user));
    co_return kelpie::kOk;
  }

  // The history, the counter and one message for each member: all in this turn's commit.
  kelpie::Task<int64_t> post(kelpie::Context& ctx, std::string from, std::string text) {
    const int64_t number = ++state(ctx).posted;
    const std::string line = std::to_string(number) + " " + from + ": " + text;
    // History grows for ever, so it is kept under keys of its own and not in the state. Keys are in
    // the order of their bytes: the number is padded.
    char key[32];
    std::snprintf(key, sizeof key, "line/%012lld", static_cast<long long>(number));
    co_await ctx.kv().set(key, line);
    for (const std::string& member : peek(ctx).members) {
      co_await ctx.actor<User>(member).send<&User::deliver>(line);
    }
    co_return number;
  }

  kelpie::Task<std::vector<std::string>> history(kelpie::Context& ctx) {
    std::vector<std::string> lines;
    kelpie::KvQuery query{.prefix = "line/"};
    for (;;) {
      kelpie::KvPage page = co_await ctx.kv().list(query);
      for (kelpie::KvEntry& entry : page.entries) {
        lines.push_back(std::move(entry.value));
      }
      if (!page.next) {
        co_return lines;
      }
      query.after = *page.next;
    }
  }

  static void methods(kelpie::Methods<Room>& m) {
    m.turn<&Room::join>("join");
    m.turn<&Room::post>("post");
    m.turn<&Room::history>("history");
  }
};

// Waits until the user has seen so many lines more.
kelpie::Task<std::vector<std::string>> seen(kelpie::Node& node, std::string user, size_t lines) {
  for (int look = 0; look < 1'500; ++look) {
    auto has = co_await node.actor<User>(user).call<&User::lines>();
    if (has.size() >= lines) {
      co_return has;
    }
    co_await node.sleep(kelpie::Duration::millis(20));
  }
  co_return kelpie::unavailable(user + " has not got all lines after 30 s");
}

kelpie::Task<void> app(kelpie::Node& node) {
  auto room = node.actor<Room>("lounge");
  for (const char* user : {"ann", "ben", "cho"}) {
    co_await room.call<&Room::join>(user);
  }
  co_await room.call<&Room::post>("ann", "hello");
  const int64_t posted = co_await room.call<&Room::post>("ben", "hello ann");

  for (const char* user : {"ann", "ben", "cho"}) {
    const auto lines = co_await seen(node, user, static_cast<size_t>(posted));
    for (const std::string& line : lines) {
      std::printf("%s reads: %s\n", user, line.c_str());
    }
  }
  const auto history = co_await room.call<&Room::history>();
  std::printf("history: %zu lines, the last is: %s\n", history.size(), history.back().c_str());
  co_return kelpie::kOk;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  return kelpie::run<Room, User>({.data_dir = argv[1]}, app);
}
