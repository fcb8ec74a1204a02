// lists.h: those who are present, as a viewer sees them, made into whatever the caller wants.
#pragma once

#include "postgres/shared/users.h"

namespace presence {

// Makes something of somebody on a list, in the memory of the function's call.
struct ListMaker {
  Datum (*make)(const UserView&, void* context);
  void* context;
};
struct Made {
  Datum* items;
  int count;
  bool may_be_more = false;  // not all were looked at
};

// In the order of presence_online_users(), all or those whom a viewer sees. It may find more than
// `most`.
Made list_everybody(int most, const ListMaker& maker);
Made list_present(int most, const Viewer& viewer, const ListMaker& maker);

}  // namespace presence
