// SPDX-License-Identifier: Apache-2.0
// Empty user namespaces for id maps, because mount_setattr(2) takes the maps of an id-mapped mount as a
// namespace.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "plan/host_vocabulary.hpp"

namespace bulkhead::namespaces {

// A new user namespace with these maps, as an open file. A child lives in it while the maps are written, and
// is killed and reaped before this returns. Errors: clone3(2), and maps that the kernel refuses.
Result<Fd> make_user_namespace(const std::string& uids, const std::string& gids);

// The user namespaces that one creation has made. Equal maps share a namespace.
class UserNamespaces {
  public:
    // This object keeps the descriptor.
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
// with a sentence, if a file system in it does not support id-mapped mounts. Kind::denied if the tree is
// mapped already or the caller has no privileges over the file system.
Result<> map_ids(int tree, const plan::IdMaps& maps, UserNamespaces& made);

}  // namespace bulkhead::namespaces
