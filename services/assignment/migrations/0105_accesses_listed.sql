-- Who opened hints and contact points is listed, newest first, a site at a time.
CREATE INDEX hints_access_newest ON hints_access (site, access_time DESC, id DESC);
CREATE INDEX contact_access_newest ON contact_access (site, access_time DESC, id DESC);
