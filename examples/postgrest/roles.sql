-- The three roles of PostgREST: the login, and what a request becomes with a token and without one. Run as a superuser in the
-- database of the application, which has the extension in the schema `presence`.
CREATE ROLE authenticator LOGIN NOINHERIT;              -- give it a password: \password authenticator
CREATE ROLE web_user NOLOGIN;
CREATE ROLE web_anon NOLOGIN;
GRANT web_user, web_anon TO authenticator;

-- A request with a token acts for itself, whoever the claim `sub` says it is. One without can do nothing.
SELECT presence.presence_grant('web_user', 'user');
