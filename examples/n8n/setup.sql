-- What the workflow needs in the database of the application, beside presence in the schema `presence`: two example tables, what
-- it knows already, and a role. Run as a superuser.

-- Who is in which team. An application that has this already makes a view of this name.
CREATE TABLE team_members (
    team_id text NOT NULL,
    user_id text NOT NULL,
    name text NOT NULL,
    email text,
    PRIMARY KEY (team_id, user_id)
);

-- One row a message. The key is the event and the recipient: what is heard and looked up at the same moment is told once.
CREATE TABLE notifications (
    epoch text,
    seq bigint,
    recipient text,
    kind text NOT NULL,
    message text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (epoch, seq, recipient)
);

-- Up to where changes have been looked up. One row: from now on.
CREATE TABLE notification_position (epoch text NOT NULL, seq bigint NOT NULL);
INSERT INTO notification_position SELECT epoch, seq FROM presence.presence_info();

-- The events after that position that were heard already.
CREATE TABLE notification_heard (epoch text, seq bigint, PRIMARY KEY (epoch, seq));

-- n8n asks on behalf of any recipient what that one may see: that takes the level `service`.
CREATE ROLE n8n LOGIN;                                  -- give it a password: \password n8n
SELECT presence.presence_grant('n8n', 'service');
GRANT SELECT ON team_members TO n8n;
GRANT SELECT, INSERT ON notifications TO n8n;
GRANT SELECT, UPDATE ON notification_position TO n8n;
GRANT SELECT, INSERT, DELETE ON notification_heard TO n8n;
