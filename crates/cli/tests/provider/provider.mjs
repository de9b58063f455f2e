// An OpenID provider for the browser tests: oidc-provider with its own sign-in pages, which take any password.
// usage: node provider.mjs PORT PUBLIC_URL_OF_SEAWALL
import Provider from 'oidc-provider';

const [, , port, seawall] = process.argv;
const issuer = `http://127.0.0.1:${port}`;

// Who signs in as one of these names is in these groups; everybody else is in none.
const groups = { amal: ['seawall-desk'], ada: ['seawall-admins', 'chess'] };

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'seawall',
      client_secret: 'only for the tests: + and % are encoded',
      redirect_uris: [`${seawall}/sign-in/callback`],
      post_logout_redirect_uris: [`${seawall}/sign-in`],
      backchannel_logout_uri: `${seawall}/sign-in/provider/logout`,
      backchannel_logout_session_required: true,
    },
  ],
  claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email'] },
  cookies: { keys: ['of the tests'] },
  features: {
    devInteractions: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    backchannelLogout: { enabled: true },
  },
  pkce: { required: () => true },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      preferred_username: id,
      email: `${id}@example.org`,
      groups: groups[id] ?? [],
    }),
  }),
});

provider.on('server_error', (_context, error) => console.error(error));
provider.on('backchannel.error', (_context, error) => console.error('back-channel logout failed', error));
provider.on('grant.error', (_context, error) => console.error(error));
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
