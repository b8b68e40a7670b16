// SPDX-License-Identifier: Apache-2.0
// User namespaces that nobody lives in, for their id maps: mount_setattr(2) takes the maps of an id-mapped
// mount as a namespace.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "plan/host_vocabulary.hpp"

namespace bulkhead::namespaces {

// A new user namespace with these maps, as an open file. A child is born into it for the moment in which the
// maps are written, and killed and reaped before this returns.
// Errors: clone3(2), and maps that the kernel does not take.
Result<Fd> make_user_namespace(const std::string& uids, const std::string& gids);

// Those that one creation has made: equal maps are one namespace.
class UserNamespaces {
  public:
    // The descriptor stays this object's.
    Result<int> with(const plan::IdMaps& maps);

  private:
    struct Entry {
        std::string uids;
        std::string gids;
        Fd file;
    };
    std::vector<Entry> made_;
};

// Shows the ids of a detached tree through `maps`; `whole_tree` includes the mounts below. Kind::unsupported,
// with a sentence, where a file system in it does not know id-mapped mounts or the tree is mapped already;
// Kind::denied without privileges over the file system.
Result<> map_ids(int tree, const plan::IdMaps& maps, UserNamespaces& made);

}  // namespace bulkhead::namespaces
