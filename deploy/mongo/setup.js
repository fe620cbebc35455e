// Starts the replica set and makes the service's user; run again, it finds both and sets the user's
// password to what the environment says. For mongosh --nodb.
const HOST = process.env.MONGO_HOST || 'mongo:27017';
const SECONDS = 60;

const root = encodeURIComponent(process.env.MONGO_ROOT_PASSWORD);
const admin = new Mongo(
  `mongodb://root:${root}@${HOST}/admin?directConnection=true&serverSelectionTimeoutMS=30000`,
).getDB('admin');

if (!admin.hello().setName) {
  try {
    admin.adminCommand({
      replSetInitiate: { _id: 'rs0', members: [{ _id: 0, host: HOST }] },
    });
    print('The replica set is started.');
  } catch (error) {
    // A member that has just been started again does not say its set's name yet.
    if (error.codeName !== 'AlreadyInitialized') throw error;
  }
}

for (let second = 0; !admin.hello().isWritablePrimary; second += 1) {
  if (second === SECONDS) throw new Error(`No primary after ${SECONDS} seconds.`);
  sleep(1000);
}

const user = {
  pwd: process.env.MONGO_PASSWORD,
  roles: [
    { role: 'readWrite', db: 'shothik' },
    { role: 'dbAdmin', db: 'shothik' },
  ],
};
if (admin.getUser('shothik') === null) {
  admin.createUser({ user: 'shothik', ...user });
  print('The user is made.');
} else {
  admin.updateUser('shothik', user);
}
print('MongoDB is set up.');
