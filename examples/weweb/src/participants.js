// People as WeWeb's lists show them.

export function participantOf(user, currentUserId) {
  return {
    id: user.id,
    name: user.name ?? user.id,
    avatar: user.avatar ?? null,
    location: user.user_data?.location ?? user.current_page ?? null,
    status: user.status,
    isCurrentUser: user.id === currentUserId,
  };
}

/** The address of the gateway for this user. */
export function addressOf({ gatewayUrl, userId, name }) {
  const url = new URL(gatewayUrl);
  if (userId) url.searchParams.set('user_id', userId);
  if (name) url.searchParams.set('name', name);
  return url.href;
}
