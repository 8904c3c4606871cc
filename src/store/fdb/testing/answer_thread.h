// AnswerThread: gives ScriptedFdb's answers on a thread of its own, in order, as the network thread
// of the real library does. Test support.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "store/fdb/testing/scripted_fdb.h"

namespace kelpie::store::testing {

class AnswerThread {
 public:
  AnswerThread() : thread_([this] { run(); }) {}
  AnswerThread(const AnswerThread&) = delete;
  AnswerThread& operator=(const AnswerThread&) = delete;
  // Gives what is left first.
  ~AnswerThread() {
    give({});
    thread_.join();
  }
  // Any thread. An empty answer ends the thread.
  void give(ScriptedFdb::Answer answer) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(answer));
    }
    changed_.notify_one();
  }
  ScriptedFdb::Deliver deliver() {
    return [this](ScriptedFdb::Answer answer) { give(std::move(answer)); };
  }

 private:
  void run() {
    for (;;) {
      ScriptedFdb::Answer answer;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !waiting_.empty(); });
        answer = std::move(waiting_.front());
        waiting_.pop_front();
      }
      if (!answer) {
        return;
      }
      answer();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ScriptedFdb::Answer> waiting_;
  std::thread thread_;
};

}  // namespace kelpie::store::testing
