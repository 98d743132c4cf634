DROP TABLE refresh_tokens;

DROP TABLE sessions;

DROP TABLE api_keys;

DROP TABLE projects;

DROP TABLE organization_members;

DROP TABLE organizations;

DROP TABLE users;
