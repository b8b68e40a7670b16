// SPDX-License-Identifier: Apache-2.0
#include "runtime/container/observe.hpp"

#include <sys/file.h>
#include <sys/resource.h>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "runtime/record/identity.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

namespace bulkhead::runtime {
namespace {

using lifecycle::Status;
using test::Folder;

// A state root with the directory of one container in it.
struct Place {
    Place() {
        EXPECT_TRUE(sys::make_directory_at(root.fd(), "box", 0700));
        directory = std::move(*sys::open(root / "box", O_RDONLY | O_DIRECTORY));
        EXPECT_TRUE(save_config(directory.number(), "{}"));
    }
    void record(pid_t pid, std::uint64_t start_time) const {
        const State state{.id = "box",
                          .bundle = "/b",
                          .rootfs = "/b/r",
                          .created = "2026-11-21T10:00:00.0Z",
                          .annotations = {},
                          .cgroup_mount = "/nowhere",
                          .cgroup_path = "/box",
                          .pid = pid,
                          .start_time = start_time};
        EXPECT_TRUE(save(directory.number(), state));
    }
    void record_this_process() const { record(::getpid(), process_status(::getpid())->start_time); }
    Status status() const { return find(site(), "box").value().status; }
    Site site() const { return {.root = root.path()}; }

    Folder root;
    Fd directory;
};

TEST(CheckId, TakesTheGrammar) {
    for (const std::string& id : {std::string("a"), std::string("A-Z_a+z.0-9"), std::string("..."),
                                  std::string(".a"), std::string("-"), std::string(255, 'x')})
        EXPECT_TRUE(check_id(id)) << id;
}

TEST(CheckId, RefusesTheRestInRuncsWords) {
    for (const std::string& id :
         {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("/a"),
          std::string("../a"), std::string("a b"), std::string("a\n"), std::string("a%"),
          std::string(256, 'x'), std::string("gr\xc3\xbcn"), std::string("a\0b", 3), std::string("a\x1b"),
          std::string("a:b"), std::string("@")}) {
        const auto refused = check_id(id);
        ASSERT_FALSE(refused) << id;
        EXPECT_EQ(refused.error().kind, Kind::usage);
        EXPECT_TRUE(
            refused.error().text.starts_with(cat("invalid container ID format: ", bulkhead::quoted(id))));
    }
}

TEST(OpenRoot, IsOursAlone) {
    const Folder root;
    const Site site{.root = root.path()};
    EXPECT_TRUE(open_root(site));
    for (const mode_t mode : {0720u, 0702u, 0777u, 01777u}) {
        ASSERT_EQ(::chmod(root.path().c_str(), mode), 0);
        EXPECT_EQ(open_root(site).error().kind, Kind::denied) << octal(mode);
    }
    ASSERT_EQ(::chmod(root.path().c_str(), 0755), 0);
    EXPECT_TRUE(open_root(site)) << "others may look";
}

TEST(OpenRoot, OfSomebodyElseIsRefused) {
    NEEDS_ROOT();
    const Folder root;
    ASSERT_EQ(::chown(root.path().c_str(), 1234, 0), 0);
    EXPECT_EQ(open_root({.root = root.path()}).error().text,
              cat("state root \"", root.path(), "\": must belong to user 0 and be writable for nobody else"));
}

TEST(OpenRoot, MissingOrAFile) {
    const Folder root;
    test::write_text(root / "file", "");
    EXPECT_EQ(open_root({.root = root / "missing"}).error().kind, Kind::not_found);
    EXPECT_EQ(open_root({.root = root / "file"}).error().err, ENOTDIR);
}

TEST(MakeRoot, MakesTheWholePathForUsAlone) {
    const Folder folder;
    const Site site{.root = folder / "a/b/c"};
    for (int round = 0; round < 2; ++round) EXPECT_TRUE(make_root(site));
    EXPECT_EQ(test::status_of_path(folder / "a/b/c").st_mode & 07777, 0700u);
    ASSERT_EQ(::chmod((folder / "a/b/c").c_str(), 0777), 0);
    EXPECT_EQ(make_root(site).error().kind, Kind::denied);
    test::write_text(folder / "file", "");
    EXPECT_FALSE(make_root({.root = folder / "file/x"}));
}

TEST(BeingMade, AsLongAsItsMakerHoldsTheLock) {
    const Place place;
    EXPECT_FALSE(being_made(place.directory.number()).value()) << "no marker";
    test::write_text(place.root / "box/creating", "");
    EXPECT_FALSE(being_made(place.directory.number()).value()) << "its maker is dead";
    Fd maker = std::move(*sys::open(place.root / "box/creating", O_RDONLY));
    ASSERT_TRUE(sys::try_lock(maker.number(), LOCK_EX).value());
    EXPECT_TRUE(being_made(place.directory.number()).value());
    maker.reset();
    EXPECT_FALSE(being_made(place.directory.number()).value());
}

TEST(Find, NothingIsRemoved) {
    const Folder root;
    const Found found = find({.root = root.path()}, "box").value();
    EXPECT_EQ(found.status, Status::removed);
    EXPECT_FALSE(found.directory);
    EXPECT_EQ(find({.root = root / "missing"}, "box").value().status, Status::removed);
    EXPECT_EQ(find_locked({.root = root.path()}, "box").value().status, Status::removed);
    EXPECT_EQ(find({.root = root.path()}, "../x").error().kind, Kind::usage);
}

TEST(Find, ADirectoryWithoutARecordIsRemovedButThere) {
    const Place place;
    const Found found = find(place.site(), "box").value();
    EXPECT_EQ(found.status, Status::removed);
    EXPECT_TRUE(found.directory);
}

TEST(Find, FollowsNoLink) {
    const Place place;
    ASSERT_EQ(::symlinkat("box", place.root.fd(), "link"), 0);
    EXPECT_FALSE(find(place.site(), "link"));
}

TEST(Find, WhoseProcessRunsIsRunning) {
    const Place place;
    place.record_this_process();
    EXPECT_EQ(place.status(), Status::running);
}

TEST(Find, WhoseProcessIsAnotherIsStopped) {
    const Place place;
    place.record(::getpid(), 1);
    EXPECT_EQ(place.status(), Status::stopped);
    place.record(0, 0);
    EXPECT_EQ(place.status(), Status::stopped);
}

TEST(Find, WhoseFifoIsReadIsCreated) {
    const Place place;
    place.record_this_process();
    ASSERT_TRUE(sys::make_fifo_at(place.directory.number(), fifo_file, 0600));
    EXPECT_EQ(place.status(), Status::running) << "nobody reads it";
    const Fd reader = std::move(*sys::open(place.root / "box/exec.fifo", O_RDONLY | O_NONBLOCK));
    EXPECT_EQ(place.status(), Status::created);
}

TEST(Find, WhoseMakerLivesIsCreating) {
    const Place place;
    place.record_this_process();
    test::write_text(place.root / "box/creating", "");
    const Fd maker = std::move(*sys::open(place.root / "box/creating", O_RDONLY));
    ASSERT_TRUE(sys::try_lock(maker.number(), LOCK_EX).value());
    EXPECT_EQ(place.status(), Status::creating);
}

TEST(Find, ADamagedRecordIsAnError) {
    const Place place;
    test::write_text(place.root / "box/state.json", "{");
    EXPECT_EQ(find(place.site(), "box").error().kind, Kind::invalid_config);
    EXPECT_TRUE(
        find_locked(place.site(), "box")
            .error()
            .text.starts_with("container box: its record is damaged: state.json: line 1, column 2: "));
    EXPECT_TRUE(find_even_damaged(place.site(), "box").value().damage);
    EXPECT_EQ(find_locked_even_damaged(place.site(), "box").value().state.id, "box");
}

TEST(Find, TheRecordOfAnotherContainerIsDamaged) {
    const Place place;
    ASSERT_TRUE(sys::make_directory_at(place.root.fd(), "copy", 0700));
    test::write_text(place.root / "copy/config.json", "{}");
    place.record_this_process();
    test::write_text(place.root / "copy/state.json",
                     *read_file_at(place.directory.number(), state_file, 10'000));
    EXPECT_EQ(find(place.site(), "copy").error().text,
              "container copy: its record is damaged: state.json: /id: \"box\": is another container's");
}

TEST(Find, WhatHasNotOurConfigIsNotOurs) {
    const Place place;
    ASSERT_TRUE(sys::make_directory_at(place.root.fd(), "strange", 0700));
    test::write_text(place.root / "strange/state.json", R"({"ociVersion": "v1.0.2", "id": "strange"})");
    EXPECT_EQ(find_even_damaged(place.site(), "strange").error().kind, Kind::invalid_config);
}

// A failure of the kernel says nothing about the record, and must not have it removed.
TEST(Find, WhatCannotBeReadIsNotDamaged) {
    const Place place;
    place.record_this_process();
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const Fd next = std::move(*sys::open("/", O_PATH));
    // The root, the container's directory, and no more.
    const rlimit few{static_cast<rlim_t>(next.number()) + 2, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    const auto found = find_even_damaged(place.site(), "box");
    ::setrlimit(RLIMIT_NOFILE, &before);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().err, EMFILE);
}

TEST(Find, AFifoThatIsAFileAwaitsNothing) {
    const Place place;
    place.record_this_process();
    test::write_text(place.root / "box/exec.fifo", "");
    EXPECT_EQ(place.status(), Status::running);
}

TEST(BeingMade, IsNotHeldUpByAFifo) {
    const Place place;
    ASSERT_TRUE(sys::make_fifo_at(place.directory.number(), creation_file, 0600));
    EXPECT_FALSE(being_made(place.directory.number()).value());
}

TEST(FindLocked, KeepsOthersOutWhileItLives) {
    const Place place;
    place.record_this_process();
    {
        const Found found = find_locked(place.site(), "box").value();
        EXPECT_EQ(found.state.id, "box");
        EXPECT_FALSE(sys::try_lock(place.directory.number(), LOCK_EX).value());
    }
    EXPECT_TRUE(sys::try_lock(place.directory.number(), LOCK_EX).value());
}

}  // namespace
}  // namespace bulkhead::runtime
